"""What is written is read back, for every value within the bounds."""

from __future__ import annotations

from array import array
from ipaddress import IPv6Address
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from dcdist.errors import UsageError
from dcdist.formats import chunks, columns, extents, frames, heartbeat, index, manifest, names
from dcdist.formats.chunks import ChunkList
from dcdist.formats.signature import PrivateKey
from dcdist.model.extent import Extents
from dcdist.model.geometry import Geometry
from dcdist.model.identity import Digest, HostId, LayerName, Prefix, ReleaseName
from dcdist.model.layer import Frame, FrameTable, Index
from dcdist.model.member import Member, Role
from dcdist.model.release import Image, LayerEntry, MetadataFile, Release
from tests.support.format_objects import decode_extents, digest, index_entry

if TYPE_CHECKING:
    from random import Random

DIGESTS = st.binary(min_size=32, max_size=32).map(Digest)
HEX_128 = st.integers(0, (1 << 128) - 1).map(lambda number: f"{number:032x}")
LAYER_NAMES = HEX_128.map(LayerName)
WORDS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", fullmatch=True)
IMAGE_NAMES = st.text(max_size=60).filter(lambda name: names.image_name_fault(name) is None)
PATHS = st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=4).map("/".join)
KEY = PrivateKey(bytes(range(32)))


def paths_of_one_folder(paths: list[str]) -> bool:
    return names.together_fault(paths) is None


RELEASES = st.builds(
    Release,
    st.builds(ReleaseName, WORDS, WORDS),
    st.integers(0, (1 << 63) - 1),
    st.lists(
        st.builds(Image, IMAGE_NAMES, st.integers(0, 1 << 50), DIGESTS, DIGESTS),
        max_size=5, unique_by=lambda image: image.name,
    ).map(tuple),
    st.lists(
        st.builds(LayerEntry, LAYER_NAMES, st.integers(1, 4 << 30), DIGESTS),
        max_size=5, unique_by=lambda layer: layer.name,
    ).map(tuple),
    st.lists(PATHS.filter(lambda path: names.path_fault(path) is None), max_size=5)
    .filter(paths_of_one_folder)
    .map(lambda paths: tuple(MetadataFile(path, path.encode()[:7], len(path) % 2 == 1) for path in paths)),
)  # fmt: skip


@given(RELEASES)
def test_releases(release: Release) -> None:
    assert manifest.open_sealed(manifest.seal(release, KEY), [KEY.public]) == release


@given(
    st.lists(st.tuples(st.integers(1, frames.FRAME_LIMIT), st.integers(1, 4 << 20), DIGESTS), min_size=1, max_size=30),
    LAYER_NAMES,
    DIGESTS,
    st.randoms(use_true_random=False),
)
def test_indexes(rows: list[tuple[int, int, Digest]], layer: LayerName, chunks_digest: Digest, rng: Random) -> None:
    lengths, plain_lengths, digests = zip(*rows, strict=True)
    geometry = Geometry.for_length(sum(lengths))
    table = FrameTable(columns.starts(lengths), columns.starts(plain_lengths), b"".join(digests))
    made = Index(layer, geometry, rng.randbytes(20 * geometry.piece_count), table, chunks_digest)
    data = index.encode(made)
    assert index.decode(data, index_entry(data, made)) == made


@given(
    st.lists(LAYER_NAMES, unique=True, min_size=1, max_size=64),
    st.lists(
        st.tuples(st.integers(0, 64), st.integers(0, (1 << 63) - (1 << 44)), st.integers(1, 1 << 43)), max_size=40
    ),
)
def test_extents(layers: list[LayerName], rows: list[tuple[int, int, int]]) -> None:
    rows = [(source % (len(layers) + 1), start, length) for source, start, length in rows]
    made = Extents(
        sum(length for _, _, length in rows),
        tuple(layers),
        array("H", [source for source, _, _ in rows]),
        array("Q", [start if source else 0 for source, start, _ in rows]),
        array("Q", [length for _, _, length in rows]),
    )
    assert decode_extents(extents.encode(made), made.size) == made


@given(st.lists(st.tuples(DIGESTS, st.integers(1, (1 << 32) - 1)), max_size=40))
def test_chunk_lists(rows: list[tuple[bytes, int]]) -> None:
    made = ChunkList(b"".join(each for each, _ in rows), array("I", [length for _, length in rows]))
    data = chunks.encode(made)
    assert chunks.decode(data, digest(data)) == made


@given(st.binary(min_size=1, max_size=5000), st.integers(1, 22))
def test_frames(plain: bytes, level: int) -> None:
    data = frames.Packer(level).pack(plain)
    assert frames.unpack(Frame(0, 0, len(data), 0, len(plain), digest(data)), data) == plain


MEMBERS = st.builds(
    Member,
    HEX_128.map(HostId),
    st.integers(0, (1 << 63) - 1),
    st.sampled_from(Role),
    st.ip_addresses().filter(lambda address: not isinstance(address, IPv6Address) or not address.ipv4_mapped).map(str),
    st.integers(1024, 65535),
    WORDS,
    st.integers(0, (1 << 64) - 1),
)


@given(MEMBERS)
def test_members(member: Member) -> None:
    try:
        name = heartbeat.name(member)
    except UsageError:
        return
    assert len(name) <= heartbeat.NAME_LIMIT
    assert heartbeat.parse(name) == member


@given(st.integers(0, 64), HEX_128.map(HostId), HEX_128.map(HostId))
def test_the_names_of_a_prefix_are_those_that_begin_with_it(digits: int, mine: HostId, other: HostId) -> None:
    prefix = Prefix.of(mine, 2 * digits)
    near = HostId(f"{int(mine, 16) ^ int(other, 16) >> 2 * digits:032x}")
    for host in (mine, other, near):
        name = heartbeat.name(Member(host, 0, Role.PEER, "10.0.0.1", 1024, "1", 0))
        assert name.startswith(heartbeat.beginning(prefix)) == prefix.holds(host)
    assert prefix.holds(near)


@given(PATHS | st.text(max_size=40))
def test_an_accepted_path_stays_within_its_folder(path: str) -> None:
    if names.path_fault(path) is None:
        parts = path.split("/")
        assert all(part and part not in {".", ".."} and "\0" not in part and "\\" not in part for part in parts)
        assert path.encode().decode() == path
