from __future__ import annotations

import msgpack
import pytest
import zstandard

from dcdist.errors import FormatError, IntegrityError, NewerFormatError
from dcdist.formats import envelope
from tests.support.format_objects import NAUGHT, take_apart

THING = envelope.Kind("dcdist-thing", 2, limit=10_000, count=20)
BODY = {"size": 3}


def decode(data: bytes) -> int:
    return envelope.decode(THING, data, what="the thing").integer("size", high=10)


def around(frame: object, *, kind: object = "dcdist-thing", version: object = 2) -> bytes:
    return msgpack.packb([kind, version, frame])


def packed(plain: bytes, *, declared: bool = True) -> bytes:
    return zstandard.ZstdCompressor(write_content_size=declared).compress(plain)


def test_an_object_says_its_kind_and_version_and_holds_a_map() -> None:
    opened = take_apart(envelope.encode(THING, BODY))
    assert (opened.kind, opened.version, opened.body) == ("dcdist-thing", 2, {"size": 3})


def test_what_was_written_is_read() -> None:
    assert decode(envelope.encode(THING, BODY)) == 3


def test_an_older_version_is_read() -> None:
    assert decode(around(packed(msgpack.packb(BODY)), version=1)) == 3


@pytest.mark.parametrize("rest", [[b"whatever"], [], [{"a": 1}, 2, 3]])
def test_a_newer_version_is_refused_with_the_version_it_needs(rest: list[object]) -> None:
    with pytest.raises(
        NewerFormatError, match=r"the thing cannot be read: it has format version 7, .* up to 2;"
    ) as caught:
        decode(msgpack.packb(["dcdist-thing", 7, *rest]))
    assert caught.value.needed == 7


@pytest.mark.parametrize("version", [0, -1, True, None, "1", 1 << 40, b"1"])
def test_a_version_that_is_none_is_refused(version: object) -> None:
    with pytest.raises(FormatError, match="no format version"):
        decode(around(packed(msgpack.packb(BODY)), version=version))


def test_another_kind_is_refused() -> None:
    with pytest.raises(FormatError, match="not a dcdist-thing object"):
        decode(around(packed(msgpack.packb(BODY)), kind="dcdist-index"))


@pytest.mark.parametrize("data", [b"", b"\x90", b"\x80", b"\xc0", b"<html>", b"\x93", b"\xc1"])
def test_what_is_no_envelope_is_refused_by_name(data: bytes) -> None:
    with pytest.raises(FormatError, match="the thing cannot be read"):
        decode(data)


@pytest.mark.parametrize("outer", [["dcdist-thing", 2], ["dcdist-thing", 2, "text"], ["dcdist-thing", 2, b"", 0]])
def test_an_envelope_without_a_body_is_refused(outer: list[object]) -> None:
    with pytest.raises(FormatError):
        decode(msgpack.packb(outer))


def test_bytes_after_the_end_are_refused() -> None:
    with pytest.raises(FormatError, match="1 bytes follow its end"):
        decode(envelope.encode(THING, BODY) + b"\0")


def test_an_object_over_its_limit_is_refused_unread() -> None:
    with pytest.raises(FormatError, match="10001 bytes, the limit is 10000"):
        decode(bytes(10_001))


def test_a_body_that_declares_more_than_the_limit_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    class NeverUnpack:
        def decompress(self, *_args: object, **_options: object) -> None:
            pytest.fail("unpacked a body that is too long")

    monkeypatch.setattr("dcdist.formats.compression.decompressor", NeverUnpack)
    with pytest.raises(FormatError, match="does not declare a size from 1 to 10000"):
        decode(around(packed(bytes(10_001))))


def test_a_body_of_undeclared_size_is_refused() -> None:
    with pytest.raises(FormatError, match="does not declare a size"):
        decode(around(packed(msgpack.packb(BODY), declared=False)))


def test_a_body_that_is_longer_than_it_declares_is_refused() -> None:
    frame = bytearray(packed(bytes(200)))
    assert frame[5] == 200  # the declared size, in a header of 6 bytes
    frame[5] = 100
    with pytest.raises(FormatError, match="damaged"):
        decode(around(bytes(frame)))


@pytest.mark.parametrize("extra", [b"\0", packed(b"\x80")])
def test_bytes_after_the_frame_are_refused(extra: bytes) -> None:
    with pytest.raises(FormatError):
        decode(around(packed(msgpack.packb(BODY)) + extra))


def test_a_cut_body_is_refused() -> None:
    with pytest.raises(FormatError):
        decode(around(packed(msgpack.packb(BODY))[:-1]))


def test_a_body_of_more_values_than_its_kind_has_is_refused() -> None:
    with pytest.raises(FormatError, match="too many values"):
        decode(around(packed(msgpack.packb({"size": 3, "more": [0] * 20}))))


def test_a_body_that_is_no_map_is_refused() -> None:
    with pytest.raises(FormatError, match="not a map"):
        decode(around(packed(msgpack.packb([1, 2]))))


def test_a_key_that_is_not_known_is_ignored() -> None:
    assert decode(envelope.encode(THING, {"later": [None, {"a": b"b"}, -1, True], "size": 3})) == 3


def test_an_object_with_another_digest_is_refused_with_its_name() -> None:
    with pytest.raises(IntegrityError, match="the thing is not the expected one") as caught:
        envelope.require_digest(b"data", NAUGHT, what="the thing", source="images/00")
    assert caught.value.source == "images/00"
