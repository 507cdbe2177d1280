"""A publish's journal: what it says, and whose turn it is after a publish died."""

from __future__ import annotations

import base64

import msgpack
import pytest
import zstandard

from dcdist.errors import FormatError, NewerFormatError
from dcdist.formats.journal import Journal, JournalLayer, PublisherProcess, decode, encode, is_signed, successor
from dcdist.formats.signature import PrivateKey
from dcdist.model.identity import Digest, LayerName, ReleaseName

KEY, STRANGER = PrivateKey(bytes(range(32))), PrivateKey(bytes(range(1, 33)))
NAME = LayerName("00112233445566778899aabbccddeeff")
OTHER = LayerName("ffeeddccbbaa99887766554433221100")
JOURNAL = Journal(
    ReleaseName("web-demo", "3"),
    PublisherProcess("publisher-1 9f", "6bdf-77", 4711, 123456),
    (JournalLayer(NAME, (Digest(b"a" * 32), None, Digest(b"c" * 32))), JournalLayer(OTHER, ())),
    (OTHER, NAME),
)

VERSION_1 = base64.b64decode(
    "k65kY2Rpc3Qtam91cm5hbAHE5ii1L/1gSQDlBgBiTTIwgLdtcwGhX2TAGDlQYbeFhwAVzsIU0IFr5aV5tbWZInsmAl6utle6hd73"
    "R25cClYGF0uFItkg2PULBUwwzjEJqFj8hUE2CaViuTQT7dby7O95c8/zHgRBGEWSFKOU0zQnpbVae6/7v3VUYKK35RXDdeTf/V5r"
    "a6V0zmmSMkZJiiIIIei952kcvKJWZnCgsxdQh0LAA8I1XN+Zbq0xABgu9UiQ0vlbo7YxrtnP5jnZG5py1IHHwta4kUEEC1M6O4Hm"
    "VL8iuPKbYQEGAID9FkMAaA40bMd1ZFC8"
)
"""JOURNAL as it was written on the day that format version 1 was made."""


VERSION_2 = base64.b64decode(
    "k65kY2Rpc3Qtam91cm5hbALFAWAotS/9YLYAtQoANBSDp3BheWxvYWTFAUmIpGRlbW+od2ViLad2ZXJzaW9uoTOkaG9zdK5wdWJsaXNo"
    "ZXItMSA5ZqRib290pzZiZGYtNzejcGlkzRJnp3N0YXJ0ZWTOAAHiQKZsYXllcnOSgqRuYW1l2SAwMDExMjIzMzQ0NTU2Njc3ODg5OWFh"
    "YmJjY2RkZWVmZqhzZWdtZW50c8RgYQBjZmZlZWRkY2NiYmFhOTk4ODc3NjY1NTQ0MzMyMjExMDAAqnJlZmVyZW5jZXPEIP/u3cy7qpmI"
    "d2ZVRDMiEQAAESIzRFVmd4iZqrvM3e7/o2tlebA1NjQ3NWFhNzU0NjM0NzRjqXNpZ25hdHVyZcRAd10oW4fs6FvZyHLhZkJdoUFr4OGE"
    "w3UttjiEMtbwQgAmysBAfC1vA8KKbWVfaslhaz41uQYpt87hISqt0nFkCgYAgP0WQwBoDjRsx3XMoDQB"
)
"""JOURNAL, signed, as it was written on the day that format version 2 was made."""


def bent(**changes: object) -> bytes:
    """JOURNAL with another payload, whose signature does not fit any more."""
    kind, version, packed = msgpack.unpackb(encode(JOURNAL, "one", KEY))
    body = msgpack.unpackb(zstandard.decompress(packed))
    body["payload"] = msgpack.packb(msgpack.unpackb(body["payload"]) | changes)
    return msgpack.packb([kind, version, zstandard.compress(msgpack.packb(body))])


def test_a_journal_says_again_what_was_written() -> None:
    assert decode(encode(JOURNAL, "one", KEY)) == JOURNAL


def test_a_journal_of_format_version_1_is_read_for_ever() -> None:
    assert decode(VERSION_1) == JOURNAL


def test_a_journal_counts_as_signed_under_its_own_key_and_its_own_id_alone() -> None:
    data = encode(JOURNAL, "one", KEY)

    assert is_signed(data, "one", KEY.public)
    assert not is_signed(data, "one", STRANGER.public)
    assert not is_signed(data, "two", KEY.public)
    assert not is_signed(bent(pid=1), "one", KEY.public)
    assert not is_signed(VERSION_1, "one", KEY.public)
    assert not is_signed(b"garbage", "one", KEY.public)


def test_a_journal_of_format_version_2_is_read_for_ever() -> None:
    assert decode(VERSION_2) == JOURNAL
    assert is_signed(VERSION_2, "00112233445566778899aabbccddeeff", KEY.public)


def test_a_journal_of_nothing_yet() -> None:
    empty = Journal(JOURNAL.release, PublisherProcess("", "", 1, 0), (), ())

    assert decode(encode(empty, "one", KEY)) == empty


def test_a_journal_may_grow_fields() -> None:
    assert decode(bent(later="news")) == JOURNAL


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"demo": "../up"}, "demo '../up' is invalid"),
        ({"version": ""}, "version '' is invalid"),
        ({"pid": -1}, "'pid' is -1"),
        ({"host": 5}, "'host' is not a text"),
        ({"references": b"123"}, "'references' ends within a name"),
        ({"layers": [{"name": "x", "segments": b""}]}, "a layer's name is invalid"),
        ({"layers": [{"name": NAME, "segments": b"123"}]}, "end within a digest"),
        ({"layers": b""}, "'layers' is not an array"),
    ],
)
def test_an_invalid_journal_is_refused(changes: dict[str, object], why: str) -> None:
    with pytest.raises(FormatError, match=why):
        decode(bent(**changes))


@pytest.mark.parametrize("data", [b"", b"{}", encode(JOURNAL, "one", KEY)[:-1]])
def test_what_is_no_journal_is_refused(data: bytes) -> None:
    with pytest.raises(FormatError):
        decode(data)


def test_a_newer_journal_says_what_it_needs() -> None:
    kind, _, packed = msgpack.unpackb(encode(JOURNAL, "one", KEY))

    with pytest.raises(NewerFormatError) as caught:
        decode(msgpack.packb([kind, 9, packed]))
    assert caught.value.needed == 9


def test_all_who_find_a_dead_publish_agree_on_its_successor() -> None:
    assert successor("00112233445566778899aabbccddeeff") == "08676e1644a3bcb89a1fbe0e2c38fa3b"
    assert successor(successor("a")) != successor("a")
