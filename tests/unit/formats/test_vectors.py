"""The committed bytes of format version 1 are read, and written again, as on the day they were made.

What zstd makes of a map may change with its version, so written objects are compared unpacked.
"""

from __future__ import annotations

import hashlib
from array import array
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dcdist.formats import chunks, extents, index, manifest
from dcdist.formats.frames import Unpacker
from dcdist.formats.signature import PrivateKey, PublicKey
from dcdist.model.extent import Extents
from dcdist.model.geometry import Geometry
from dcdist.model.identity import Digest, LayerName, ReleaseName
from dcdist.model.layer import FrameTable, Index
from dcdist.model.release import Image, LayerEntry, MetadataFile, Release
from tests.support.format_objects import take_apart

if TYPE_CHECKING:
    from collections.abc import Callable

VECTORS = Path(__file__).parent / "vectors"
LAYER = LayerName("000102030405060708090a0b0c0d0e0f")


def sha(text: str) -> Digest:
    return Digest(bytes.fromhex(text))


IMAGE = Image(
    "web.xva",
    74608,
    sha("8949a26671f49bfa7b77951e9dc5e1055dfeea12b7051a269b8f3372cedfd096"),
    sha("63f10a3f9cde987cd8f2ac4a58726b92f166e1ecb20673c5bf22d6019f077658"),
)
ENTRY = LayerEntry(LAYER, 1563, sha("530cff9c34d8c705311dc4d5d65c7d54ddab0e381516613ad8643aa7f47c5e60"))
RELEASE = Release(ReleaseName("web-demo", "3"), 7, (IMAGE,), (ENTRY,), (MetadataFile("start/order.txt", b"web.xva\n"),))
INDEX = Index(
    LAYER,
    Geometry(1563, 262144, 1048576, 67108864),
    bytes.fromhex("ff09bc5f045f61944da729aa24c96ebab2bf6b44"),
    FrameTable(
        array("Q", [0, 893, 1563]),
        array("Q", [0, 50000, 80000]),
        sha("a3dfd27f4eb4340f79a39051037a2d3cac69115fb047d317bd14959a41be6223")
        + sha("6b70ecf994865986942f5a7bc84148efb3c6f03202d468ef59907a02cb3734f4"),
    ),
    sha("0965d719574b8788062cabf71549cff9bbbf64d3bcda869330a32821b3f77f64"),
)
EXTENTS = Extents(
    74608,
    (LAYER,),
    array("H", [1, 0, 1, 1]),
    array("Q", [0, 0, 70000, 1000]),
    array("Q", [60000, 4096, 10000, 512]),
)
CHUNKS = chunks.ChunkList(
    sha("bc5954673bfd2d9db24b619d1718390b1f88b658eb2d5b020a0b63f89abba84c")
    + sha("871f4a991d5eebba553b9513dbc25fa35286ec639650b58e4f196d9290e966f5")
    + sha("e5a70a42324f2ce388720b61c192bb205f1e1cf4b1725e600e3f425d08e5a6a4")
    + sha("9e18cdac8783ea9bb19c8039d72eafc0c45ebb3fd2338a186f4304650d620dfa")
    + sha("f710bda627650f5048a44ce98293b88b5477a2e070371143f9b61e39468bbcda"),
    array("I", [20000, 20000, 10000, 20000, 10000]),
)


def vector(name: str) -> bytes:
    return (VECTORS / name).read_bytes()


def publisher() -> PrivateKey:
    return PrivateKey.from_pem(vector("publisher.key"))


def test_the_manifest_is_read() -> None:
    assert manifest.open_sealed(vector("manifest.v1"), [publisher().public]) == RELEASE


def test_the_index_is_read() -> None:
    assert index.decode(vector("index.v1"), ENTRY) == INDEX


def test_the_extents_are_read() -> None:
    assert extents.decode(vector("extents.v1"), IMAGE) == EXTENTS


def test_the_chunk_list_is_read() -> None:
    assert chunks.decode(vector("chunks.v1"), INDEX.chunks_digest) == CHUNKS


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("manifest.v1", lambda: manifest.seal(RELEASE, publisher(), PrivateKey(bytes(range(32, 64))))),
        ("index.v1", lambda: index.encode(INDEX)),
        ("extents.v1", lambda: extents.encode(EXTENTS)),
        ("chunks.v1", lambda: chunks.encode(CHUNKS)),
    ],
)
def test_what_is_written_holds_the_same_bytes(name: str, written: Callable[[], bytes]) -> None:
    ours, golden = take_apart(written()), take_apart(vector(name))
    assert ours == golden
    assert list(ours.body) == list(golden.body)


def test_the_keys_are_read_and_written() -> None:
    assert publisher().raw == bytes(range(32))
    assert publisher().to_pem().encode() == vector("publisher.key")
    public = PublicKey.from_pem(vector("publisher.pub"))
    assert public == publisher().public
    assert public.to_pem().encode() == vector("publisher.pub")
    assert public.identity == "56475aa75463474c"


def test_the_image_is_rebuilt_from_the_layer() -> None:
    layer, unpacker = vector("layer.v1"), Unpacker()
    frames = [INDEX.frames[number] for number in range(len(INDEX.frames))]
    plain = b"".join(unpacker.unpack(frame, layer[frame.start : frame.start + frame.length]) for frame in frames)
    rebuilt = b"".join(
        plain[extent.start : extent.start + extent.length] if extent.source else bytes(extent.length)
        for extent in EXTENTS
    )
    assert hashlib.sha256(rebuilt).digest() == IMAGE.digest
    plain_chunks = [plain[:20000], plain[20000:40000], plain[40000:50000], plain[50000:70000], plain[70000:]]
    assert b"".join(hashlib.sha256(chunk).digest() for chunk in plain_chunks) == CHUNKS.digests
    assert hashlib.sha1(layer, usedforsecurity=False).digest() == INDEX.piece_hashes
