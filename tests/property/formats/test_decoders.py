"""The one rule of all decoders: bytes are accepted or refused by the formats' own errors, whatever they are."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcdist.errors import FormatError, IntegrityError, NewerFormatError
from dcdist.formats import chunks, envelope, extents, frames, heartbeat, index, manifest, object_names, values
from dcdist.formats.chunks import ChunkList
from dcdist.formats.signature import PrivateKey, PublicKey
from dcdist.model.layer import Frame
from dcdist.model.release import LayerEntry, MetadataFile
from tests.support.format_objects import (
    LAYER,
    NAUGHT,
    Opened,
    decode_extents,
    decode_index,
    digest,
    image,
    make_extents,
    make_index,
    release,
    take_apart,
)  # fmt: skip

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.format_objects import Plain

KEY = PrivateKey(bytes(range(32)))
RELEASE = release(
    images=[image("web.xva"), image("db.xva", 5)],
    layers=[LayerEntry(LAYER, 1524, NAUGHT)],
    metadata=[MetadataFile("a/b", b"content")],
)
EXTENTS = make_extents((1, 0, 100), (0, 0, 50), (2, 7, 34))
CHUNKS = ChunkList(bytes(64), make_extents((0, 0, 65536), (0, 0, 1)).lengths)


def sealed(payload: bytes) -> bytes:
    """A manifest around any payload, by a trusted key: what is inside must be safe even so."""
    body = {"payload": payload, "signatures": [
        {"key": KEY.public.identity, "signature": KEY.sign(b"dcdist manifest 1\0" + payload)}
    ]}  # fmt: skip
    return envelope.encode(envelope.Kind("dcdist-manifest", 1, 1 << 30), body)


def open_manifest(data: bytes) -> object:
    return manifest.open_sealed(data, [KEY.public])


DECODERS: dict[str, tuple[bytes, Callable[[bytes], object]]] = {
    "index": (index.encode(make_index()), decode_index),
    "extents": (extents.encode(EXTENTS), lambda data: decode_extents(data, 184)),
    "chunks": (chunks.encode(CHUNKS), lambda data: chunks.decode(data, digest(data))),
    "manifest": (manifest.seal(RELEASE, KEY), open_manifest),
    "unverified": (manifest.seal(RELEASE, KEY), manifest.read_unverified),
}
NAMES = st.sampled_from(sorted(DECODERS))

ANYTHING: st.SearchStrategy[Plain] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(1 << 63), (1 << 64) - 1)
    | st.floats(allow_nan=False)
    | st.text(max_size=40)
    | st.binary(max_size=100),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=8), inner, max_size=5),
    max_leaves=12,
)


def refused_or_accepted(decode: Callable[[bytes], object], data: bytes) -> None:
    with contextlib.suppress(FormatError, IntegrityError):
        decode(data)


@st.composite
def mutated(draw: st.DrawFn, original: bytes) -> bytes:
    """The original with a few runs overwritten, cut out or put in."""
    data = bytearray(original)
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        stop = draw(st.integers(start, min(len(data), start + 8)))
        data[start:stop] = draw(st.binary(max_size=8))
    return bytes(data)


@given(name=NAMES, data=st.binary(max_size=400))
def test_random_bytes_are_refused(name: str, data: bytes) -> None:
    refused_or_accepted(DECODERS[name][1], data)


@given(name=NAMES, data=st.data())
def test_a_damaged_object_is_refused_or_read(name: str, data: st.DataObject) -> None:
    original, decode = DECODERS[name]
    refused_or_accepted(decode, data.draw(mutated(original)))


@given(name=NAMES, data=st.data())
def test_an_object_with_a_damaged_map_is_refused_or_read(name: str, data: st.DataObject) -> None:
    original, decode = DECODERS[name]
    opened = take_apart(original)
    refused_or_accepted(decode, opened.packed_around(data.draw(mutated(msgpack.packb(opened.body)))))


@given(name=NAMES, value=ANYTHING, data=st.data())
def test_an_object_with_any_value_for_a_field_is_refused_or_read(name: str, value: object, data: st.DataObject) -> None:
    original, decode = DECODERS[name]
    opened = take_apart(original)
    field = data.draw(st.sampled_from(sorted(opened.body)))
    plain = msgpack.packb(opened.body | {field: value})
    refused_or_accepted(decode, opened.packed_around(plain))


@given(name=NAMES, kind=st.just(None) | ANYTHING, version=st.integers(0, 300) | ANYTHING, body=ANYTHING)
def test_an_envelope_of_anything_is_refused_or_read(name: str, kind: Plain, version: Plain, body: Plain) -> None:
    original, decode = DECODERS[name]
    opened = take_apart(original)
    made = Opened(kind if kind is not None else opened.kind, version, opened.body)
    refused_or_accepted(decode, made.packed_around(msgpack.packb(body)))


@given(data=st.data())
def test_a_damaged_payload_that_is_signed_is_refused_or_read(data: st.DataObject) -> None:
    payload = take_apart(DECODERS["manifest"][0]).body["payload"]
    assert isinstance(payload, bytes)
    refused_or_accepted(open_manifest, sealed(data.draw(mutated(payload))))


@given(value=ANYTHING, data=st.data())
def test_a_payload_with_any_value_for_a_field_is_refused_or_read(value: object, data: st.DataObject) -> None:
    payload = take_apart(DECODERS["manifest"][0]).body["payload"]
    assert isinstance(payload, bytes)
    content = msgpack.unpackb(payload)
    holder = data.draw(st.sampled_from([content, *content["images"], *content["layers"], *content["metadata"]]))
    holder[data.draw(st.sampled_from(sorted(holder)))] = value
    refused_or_accepted(open_manifest, sealed(msgpack.packb(content)))


@given(
    name=NAMES, version=st.integers(2, (1 << 32) - 1), rest=st.lists(st.none() | st.text() | st.binary(), max_size=3)
)
def test_every_newer_version_is_named(name: str, version: int, rest: list[object]) -> None:
    original, decode = DECODERS[name]
    data = msgpack.packb([take_apart(original).kind, version, *rest])
    with pytest.raises(NewerFormatError) as caught:
        decode(data)
    assert caught.value.needed == version


def has_float(value: object) -> bool:
    """Whether a float is in it: they stand in no version."""
    if isinstance(value, dict):
        return any(has_float(each) for each in value.values())
    if isinstance(value, list):
        return any(has_float(each) for each in value)
    return isinstance(value, float)


@given(ANYTHING.filter(lambda value: not has_float(value)))
def test_what_msgpack_writes_is_read(value: object) -> None:
    data = msgpack.packb(value)
    assert values.read(data, count=200) == value


@given(st.binary(max_size=60))
def test_what_is_read_is_what_msgpack_reads(data: bytes) -> None:
    try:
        value = values.read(data, count=100)
    except FormatError:
        return
    assert msgpack.unpackb(data) == value


@given(data=st.binary(max_size=200), plain_length=st.integers(1, 4 << 20))
def test_a_frame_of_random_bytes_is_refused(data: bytes, plain_length: int) -> None:
    refused_or_accepted(lambda frame: frames.unpack(Frame(0, 0, 1, 0, plain_length, digest(frame)), frame), data)


@given(st.binary(max_size=200), st.binary(min_size=1, max_size=64))
def test_a_frame_has_the_promised_length_or_is_refused(plain: bytes, damage: bytes) -> None:
    data = bytearray(frames.Packer(1).pack(plain + b"end"))
    at = damage[0] % len(data)
    data[at : at + len(damage) - 1] = damage[1:]
    try:
        unpacked = frames.unpack(Frame(0, 0, len(data), 0, len(plain) + 3, digest(bytes(data))), bytes(data))
    except FormatError:
        return
    assert len(unpacked) == len(plain) + 3


@given(st.text(max_size=200) | st.binary(max_size=200))
def test_a_key_file_of_anything_is_refused(text: str | bytes) -> None:
    with pytest.raises(FormatError):
        PublicKey.from_pem(text)
    with pytest.raises(FormatError):
        PrivateKey.from_pem(text)


@given(st.data())
def test_a_damaged_key_file_is_refused_or_read(data: st.DataObject) -> None:
    refused_or_accepted(PrivateKey.from_pem, data.draw(mutated(KEY.to_pem().encode())))
    refused_or_accepted(PublicKey.from_pem, data.draw(mutated(KEY.public.to_pem().encode())))


@given(st.text(max_size=100) | st.from_regex(r"releases/[a-z./]{0,9}/[a-z./@]{0,9}", fullmatch=True))
def test_a_key_that_is_a_releases_is_written_the_same(key: str) -> None:
    name = object_names.parse_release(key)
    assert name is None or object_names.release(name) == key


@given(st.binary(max_size=64), st.binary(max_size=64))
def test_only_the_owner_signs(data: bytes, signature: bytes) -> None:
    assert KEY.public.verify(data, KEY.sign(data))
    assert not KEY.public.verify(data, signature)


HEARTBEATS = st.from_regex(
    r"[0-3]{64},[0-9a-f]{1,17},[dpsx],([0-9a-f]{8}|[0-9a-f]{32}),[0-9]{1,6},[A-Za-z0-9.]{1,9},[0-9a-f]{1,17}",
    fullmatch=True,
)


@given(st.text(max_size=120) | HEARTBEATS)
def test_a_heartbeat_of_anything_is_nobody_or_one_spelling(text: str) -> None:
    member = heartbeat.parse(text)
    assert member is None or heartbeat.name(member) == text
