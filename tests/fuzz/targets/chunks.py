"""Layers' chunk lists: what is read fits together and can be written again."""

from __future__ import annotations

from dcdist.formats import chunks
from dcdist.formats.chunks import ChunkList
from tests.fuzz.objects import Form, digest, written_again
from tests.fuzz.target import REFUSALS, Target, require
from tests.support.format_objects import make_extents

_FORM = Form(chunks.encode(ChunkList(bytes(96), make_extents((0, 0, 65536), (0, 0, 1), (0, 0, 9)).lengths)))


def run(data: bytes) -> None:
    """See Form."""
    made = _FORM.object_of(data)
    try:
        read = chunks.decode(made, digest(made))
    except REFUSALS as error:
        require(len(str(error)) < 2000, "a message is short")
        return
    require(len(read.digests) == 32 * len(read) and 0 not in read.lengths, "each chunk has a digest and bytes")
    if written_again(data):
        again = chunks.encode(read)
        require(chunks.decode(again, digest(again)) == read, "what can be read can be written")


TARGET = Target("chunks", run, [chunks.decode], _FORM.seeds)
