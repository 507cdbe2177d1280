from __future__ import annotations

from array import array

import pytest

from dcdist.errors import FormatError, IntegrityError, InvariantError, NewerFormatError
from dcdist.formats import chunks
from dcdist.formats.chunks import ChunkList
from tests.support.format_objects import changed, digest, take_apart, without

CHUNKS = ChunkList(digest(b"a") + digest(b"b"), array("I", [65536, 1]))
DATA = chunks.encode(CHUNKS)


def test_a_chunk_list_passes_through_its_object() -> None:
    assert chunks.decode(DATA, digest(DATA)) == CHUNKS
    assert len(CHUNKS) == 2
    assert take_apart(DATA).body == {"digests": digest(b"a") + digest(b"b"), "lengths": b"\0\0\1\0\1\0\0\0"}


def test_a_layer_may_have_no_chunks() -> None:
    empty = ChunkList(b"", array("I"))
    data = chunks.encode(empty)
    assert chunks.decode(data, digest(data)) == empty


def test_another_chunk_list_is_refused() -> None:
    with pytest.raises(IntegrityError):
        chunks.decode(DATA, digest(b"other"))


def test_a_newer_chunk_list_is_refused() -> None:
    opened = take_apart(DATA)
    opened.version = 2
    with pytest.raises(NewerFormatError):
        chunks.decode(opened.packed(), digest(opened.packed()))


@pytest.mark.parametrize(
    "data",
    [
        without(DATA, "digests"),
        without(DATA, "lengths"),
        changed(DATA, digests=bytes(63)),
        changed(DATA, digests=bytes(96)),
        changed(DATA, lengths=bytes(8)),
        changed(DATA, lengths=bytes(7)),
        changed(DATA, lengths=b"\1\0\0\0" * ((1 << 21) + 1), digests=b""),
    ],
)
def test_a_chunk_list_that_is_off_is_refused(data: bytes) -> None:
    with pytest.raises(FormatError, match="a chunk list cannot be read"):
        chunks.decode(data, digest(data))


def test_a_chunk_list_that_does_not_fit_together_is_not_written() -> None:
    with pytest.raises(InvariantError):
        chunks.encode(ChunkList(bytes(32), array("I", [1, 2])))
