from __future__ import annotations

from dataclasses import replace

import msgpack
import pytest

from dcdist.errors import FormatError, NewerFormatError, SignatureError, UsageError
from dcdist.formats import envelope, manifest
from dcdist.formats.signature import PrivateKey, PublicKey
from dcdist.model.identity import LayerName, LineId
from dcdist.model.release import Image, LayerEntry, MetadataFile, Release
from tests.support.format_objects import NAUGHT, Plain, changed, digest, image, release, take_apart, without

KEY = PrivateKey(bytes(range(32)))
OTHER = PrivateKey(bytes(range(32, 64)))
GIB = 1 << 30


def layer(number: int, length: int = 1) -> LayerEntry:
    return LayerEntry(LayerName(f"{number:032x}"), length, NAUGHT)


FULL = release(
    images=[Image("web.xva", 0, digest(b"a"), digest(b"b")), Image("db.xva", 1 << 50, digest(b"c"), digest(b"d"))],
    layers=[layer(1), layer(2, 4 * GIB)],
    metadata=[MetadataFile("order.txt", b""), MetadataFile("a/b", b"\xff")],
    serial=(1 << 63) - 1,
)


def signed(payload: bytes, *keys: PrivateKey) -> bytes:
    """A manifest around any payload, signed as a publisher would."""
    signatures = [
        {"key": key.public.identity, "signature": key.sign(b"dcdist manifest 1\0" + payload)} for key in keys or (KEY,)
    ]
    body = {"payload": payload, "signatures": signatures}
    return envelope.encode(envelope.Kind("dcdist-manifest", 1, 1 << 30), body)


def payload(**fields: Plain) -> dict[str, Plain]:
    whole: dict[str, Plain] = {
        "demo": "web-demo", "version": "3", "serial": 1, "images": [], "layers": [], "metadata": [],
    }  # fmt: skip
    return whole | fields


def refused(**fields: Plain) -> str:
    """Why a well-signed manifest with these fields is refused."""
    with pytest.raises(FormatError) as caught:
        manifest.open_sealed(signed(msgpack.packb(payload(**fields))), [KEY.public])
    assert not isinstance(caught.value, NewerFormatError)
    return str(caught.value)


def payload_of(data: bytes) -> dict[str, object]:
    """The payload of a manifest, as a map."""
    content = take_apart(data).body["payload"]
    assert isinstance(content, bytes)
    found = msgpack.unpackb(content)
    assert isinstance(found, dict)
    return found


def test_a_release_passes_through_its_manifest() -> None:
    data = manifest.seal(FULL, KEY)
    assert manifest.open_sealed(data, [KEY.public]) == FULL
    assert manifest.read_unverified(data) == FULL


def test_what_is_signed_is_the_payload_after_the_domain() -> None:
    opened = take_apart(manifest.seal(FULL, KEY))
    content, signatures = opened.body["payload"], opened.body["signatures"]
    assert isinstance(content, bytes)
    assert signatures == [{"key": "56475aa75463474c", "signature": KEY.sign(b"dcdist manifest 1\0" + content)}]
    assert not KEY.public.verify(content, KEY.sign(b"dcdist manifest 1\0" + content))


def test_one_trusted_signature_of_several_is_enough() -> None:
    data = manifest.seal(FULL, OTHER, KEY)
    assert manifest.open_sealed(data, [KEY.public]) == FULL
    assert manifest.open_sealed(data, [PrivateKey.generate().public, OTHER.public]) == FULL


@pytest.mark.parametrize("trusted", [[], [OTHER.public]])
def test_a_manifest_that_no_trusted_key_signed_is_refused(trusted: list[PublicKey]) -> None:
    with pytest.raises(SignatureError, match=r"says that 56475aa75463474c did; trusted: (no key|24f6ed6acbfe1009)$"):
        manifest.open_sealed(manifest.seal(FULL, KEY), trusted)


def test_a_manifest_that_names_a_trusted_signer_but_holds_something_else_is_damaged() -> None:
    original = manifest.seal(FULL, KEY)
    other = take_apart(manifest.seal(replace(FULL, serial=1), KEY)).body["payload"]
    with pytest.raises(SignatureError) as damaged:
        manifest.open_sealed(changed(original, payload=other), [KEY.public])
    with pytest.raises(SignatureError) as strange:
        manifest.open_sealed(original, [OTHER.public])

    assert (damaged.value.damaged, strange.value.damaged) == (True, False)


def test_a_manifest_without_signatures_is_refused() -> None:
    with pytest.raises(SignatureError, match="says that nobody did"):
        manifest.open_sealed(changed(manifest.seal(FULL, KEY), signatures=[]), [KEY.public])


def test_another_payload_is_refused() -> None:
    original = manifest.seal(FULL, KEY)
    other = take_apart(manifest.seal(replace(FULL, serial=1), KEY)).body["payload"]
    with pytest.raises(SignatureError):
        manifest.open_sealed(changed(original, payload=other), [KEY.public])


def test_a_signature_under_a_trusted_name_must_be_by_that_key() -> None:
    content = msgpack.packb(payload())
    forged: Plain = [{"key": KEY.public.identity, "signature": OTHER.sign(b"dcdist manifest 1\0" + content)}]
    with pytest.raises(SignatureError):
        manifest.open_sealed(changed(signed(content), signatures=forged), [KEY.public])


def test_a_payload_is_not_read_before_its_signature_is_checked() -> None:
    with pytest.raises(SignatureError):
        manifest.open_sealed(signed(b"garbage", OTHER), [KEY.public])
    with pytest.raises(FormatError, match="the manifest cannot be read"):
        manifest.open_sealed(signed(b"garbage"), [KEY.public])


def test_a_newer_manifest_is_refused_whoever_signed_it() -> None:
    opened = take_apart(manifest.seal(FULL, KEY))
    opened.version = 2
    for read in (manifest.read_unverified, lambda data: manifest.open_sealed(data, [])):
        with pytest.raises(NewerFormatError, match="the manifest cannot be read: it has format version 2,") as caught:
            read(opened.packed())
        assert caught.value.needed == 2


def test_at_most_eight_keys_sign() -> None:
    keys = [PrivateKey(bytes([number]) * 32) for number in range(9)]
    assert manifest.open_sealed(manifest.seal(FULL, *keys[:8]), [keys[7].public]) == FULL
    with pytest.raises(UsageError, match="at most 8 signatures"):
        manifest.seal(FULL, *keys)
    with pytest.raises(FormatError, match="at most 8 maps"):
        manifest.open_sealed(signed(msgpack.packb(payload()), *keys), [KEY.public])


def test_what_a_manifest_unpacks_to_is_known_before_it_is_unpacked() -> None:
    assert manifest.unpacked_size(signed(bytes(1 << 20))) == (1 << 20) + 124
    for wrong in (b"", b"garbage", envelope.encode(envelope.Kind("dcdist-index", 1, 100), {})):
        assert manifest.unpacked_size(wrong) == 0


@pytest.mark.parametrize("identity", ["0123456789ABCDEF", "0123456789abcde\n", "0123", "\x1b[31m0123456789"])
def test_a_signer_has_an_id_of_16_hex_digits(identity: str) -> None:
    forged: Plain = [{"key": identity, "signature": bytes(64)}]
    with pytest.raises(FormatError, match="'key' is not 16 hex digits"):
        manifest.read_unverified(changed(manifest.seal(FULL, KEY), signatures=forged))


def test_all_the_trusted_keys_that_signed_are_told() -> None:
    data = manifest.seal(FULL, KEY, OTHER)
    assert manifest.open_signed(data, [KEY.public]).signers == {"56475aa75463474c"}
    assert manifest.open_signed(data, [KEY.public, OTHER.public]).signers == {"56475aa75463474c", "24f6ed6acbfe1009"}


def test_a_key_counts_once_however_often_it_is_named() -> None:
    data = manifest.seal(FULL, KEY)
    forged: Plain = [{"key": KEY.public.identity, "signature": bytes([each]) * 64} for each in range(8)]
    verified = 0

    class Counting(PublicKey):
        __slots__ = ()

        def verify(self, data: bytes, signature: bytes) -> bool:
            nonlocal verified
            verified += 1
            return super().verify(data, signature)

    with pytest.raises(SignatureError):
        manifest.open_sealed(changed(data, signatures=forged), [Counting(KEY.public.raw)])
    assert verified == 1


@pytest.mark.parametrize("key", ["payload", "signatures"])
def test_a_missing_part_is_named(key: str) -> None:
    with pytest.raises(FormatError, match=f"'{key}' is missing"):
        manifest.read_unverified(without(manifest.seal(FULL, KEY), key))


@pytest.mark.parametrize("key", ["demo", "version", "serial", "images", "layers", "metadata"])
def test_a_missing_key_of_the_payload_is_named(key: str) -> None:
    content = payload()
    del content[key]
    with pytest.raises(FormatError, match=f"'{key}' is missing"):
        manifest.read_unverified(signed(msgpack.packb(content)))


def test_keys_of_later_additions_are_ignored() -> None:
    content = msgpack.packb(payload(later={"a": [1, None, True]}))
    assert manifest.open_sealed(signed(content), [KEY.public]) == release()


IMAGE: dict[str, Plain] = {"name": "web.xva", "size": 1, "sha256": bytes(32), "extents": bytes(32)}
LAYER: dict[str, Plain] = {"name": "0" * 32, "length": 1, "index": bytes(32)}
FILE: dict[str, Plain] = {"path": "a", "content": b""}


def test_the_smallest_entries_are_read() -> None:
    content = msgpack.packb(payload(images=[IMAGE], layers=[LAYER], metadata=[FILE]))
    assert manifest.open_sealed(signed(content), [KEY.public]) == release(
        images=[image()], layers=[layer(0)], metadata=[MetadataFile("a", b"")]
    )


def test_a_metadata_file_is_executable_only_if_its_manifest_says_so() -> None:
    content = msgpack.packb(payload(metadata=[FILE | {"executable": True}, {"path": "b", "content": b""}]))
    opened = manifest.open_sealed(signed(content), [KEY.public])

    assert opened.metadata == (MetadataFile("a", b"", executable=True), MetadataFile("b", b"", executable=False))
    assert "'executable' is not a boolean" in refused(metadata=[FILE | {"executable": 1}])


def test_a_line_passes_through_its_manifest() -> None:
    followed = replace(FULL, line=LineId("0a" * 16), replaces=(LineId("1b" * 16), LineId("2c" * 16)))
    assert manifest.open_sealed(manifest.seal(followed, KEY), [KEY.public]) == followed


def test_a_release_without_a_line_has_the_bytes_that_it_always_had() -> None:
    assert set(payload_of(manifest.seal(FULL, KEY))) == {"demo", "version", "serial", "images", "layers", "metadata"}


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"line": "0A" * 16}, "line '0A"),
        ({"line": "0" * 32}, "stands for releases without one"),
        ({"line": "0a" * 17}, "'line' is not a text of at most 32"),
        ({"line": None}, "'line' is not a text"),
        ({"replaces": ["0a" * 16]}, "it replaces lines, but has none"),
        ({"line": "0a" * 16, "replaces": ["0a" * 16]}, "it names a line twice"),
        ({"line": "0a" * 16, "replaces": ["x"]}, "line 'x'"),
        ({"line": "0a" * 16, "replaces": "1b" * 16}, "'replaces' is not a list"),
        ({"line": "0a" * 16, "replaces": [1]}, "'replaces' has an entry that is not a text"),
        ({"line": "0a" * 16, "replaces": [f"{n:032x}" for n in range(17)]}, "'replaces' is not a list of at most 16"),
    ],
)
def test_a_line_that_is_off_is_refused(fields: dict[str, Plain], reason: str) -> None:
    assert reason in refused(**fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"demo": ".."}, {"demo": "a/b"}, {"demo": 3}, {"version": ""}, {"version": "a" * 101}, {"serial": -1},
        {"serial": 1 << 63}, {"serial": True}, {"images": {}}, {"images": [1]}, {"layers": None}, {"metadata": b""},
    ],
)  # fmt: skip
def test_a_head_that_is_off_is_refused(fields: dict[str, Plain]) -> None:
    assert "cannot be read" in refused(**fields)


@pytest.mark.parametrize(
    "entry",
    [
        {"name": "../web.xva"}, {"name": "/etc/passwd"}, {"name": ".."}, {"name": ""}, {"name": "a" * 256},
        {"name": "metadata"}, {"name": b"web.xva"}, {"name": "a\0b"}, {"size": -1}, {"size": (1 << 50) + 1},
        {"size": "1"}, {"sha256": bytes(31)}, {"sha256": "a" * 32}, {"extents": bytes(33)}, {"extents": None},
    ],
)  # fmt: skip
def test_an_image_that_is_off_is_refused(entry: dict[str, Plain]) -> None:
    assert "manifest" in refused(images=[IMAGE | entry])


@pytest.mark.parametrize(
    "entry",
    [{"name": "0" * 31}, {"name": "0" * 33}, {"name": "A" * 32}, {"name": "../" + "0" * 29}, {"length": 0},
     {"length": 4 * GIB + 1}, {"index": b""}],
)  # fmt: skip
def test_a_layer_that_is_off_is_refused(entry: dict[str, Plain]) -> None:
    assert "manifest" in refused(layers=[LAYER | entry])


@pytest.mark.parametrize(
    "entry", [{"path": "../a"}, {"path": "/a"}, {"path": "a/../../b"}, {"path": ".ssh/keys"}, {"content": "text"}]
)
def test_a_metadata_file_that_is_off_is_refused(entry: dict[str, Plain]) -> None:
    assert "manifest" in refused(metadata=[FILE | entry])


def test_names_that_exclude_each_other_are_refused() -> None:
    assert "'web.xva' is used twice" in refused(images=[IMAGE, IMAGE])
    assert "is used twice" in refused(layers=[LAYER, LAYER])
    assert "'a' is both a file and a folder" in refused(metadata=[FILE, FILE | {"path": "a/b"}])


def test_too_many_of_anything_is_refused() -> None:
    assert "at most 64 maps" in refused(layers=[LAYER | {"name": f"{number:032x}"} for number in range(65)])
    assert "at most 10000 maps" in refused(images=[IMAGE | {"name": f"{number}"} for number in range(10_001)])
    assert "at most 1000 maps" in refused(metadata=[FILE | {"path": f"{number}"} for number in range(1_001)])
    half: Plain = bytes((2 << 20) + 1)
    assert "4194306 bytes of metadata, the limit is 4194304" in refused(
        metadata=[{"path": "a", "content": half}, {"path": "b", "content": half}]
    )


def test_a_payload_of_countless_values_is_refused() -> None:
    with pytest.raises(FormatError, match="too many values"):
        manifest.read_unverified(signed(b"\xdd\x00\x10\x00\x00" + b"\x90" * (1 << 20)))


@pytest.mark.parametrize(
    ("beyond", "reason"),
    [
        (release(images=[image("../a")]), "image name '../a'"),
        (release(images=[image("a"), image("a")]), "'a' is used twice"),
        (release(images=[image(size=(1 << 50) + 1)]), "bytes in one image"),
        (release(images=[image(f"{number}") for number in range(10_001)]), "10001 images, the limit is 10000"),
        (release(layers=[layer(number) for number in range(65)]), "65 layers, the limit is 64"),
        (release(metadata=[MetadataFile("a", bytes(4194305))]), "4194305 bytes of metadata, the limit is 4194304"),
        (release(metadata=[MetadataFile(f"{number}", b"") for number in range(1001)]), "1001 metadata files"),
        (release(metadata=[MetadataFile("/a", b"")]), "metadata path '/a'"),
    ],
)
def test_a_release_beyond_a_limit_is_not_sealed(beyond: Release, reason: str) -> None:
    with pytest.raises(UsageError, match=f"web-demo@3 cannot be published: .*{reason}"):
        manifest.seal(beyond, KEY)


def test_the_largest_release_fits_into_a_manifest() -> None:
    largest = release(
        images=[image(f"{number:a>240}") for number in range(10_000)],
        layers=[layer(number) for number in range(64)],
        metadata=[MetadataFile("/".join([f"{number:a>240}", *["b" * 240] * 3]), bytes(4194)) for number in range(1000)],
    )
    data = manifest.seal(largest, KEY)
    assert len(data) <= manifest.MANIFEST_LIMIT
    assert manifest.open_sealed(data, [KEY.public]) == largest
