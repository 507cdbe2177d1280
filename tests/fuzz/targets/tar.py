"""Headers of tar: a plain file's name and size, or a refusal."""

from __future__ import annotations

from dcdist.formats.tar import BLOCK, read_header
from tests.fuzz.target import REFUSALS, Target, require
from tests.support.xva import sealed, tar_header


def run(data: bytes) -> None:
    """The first byte: whether the rest is taken as it is, or made a whole block, with a right checksum if it is odd."""
    first, rest = data[0] if data else 0, data[1:]
    block = rest if first & 2 else rest[:BLOCK].ljust(BLOCK, b"\0")
    if first & 1 and len(block) == BLOCK:
        block = sealed(bytearray(block))
    try:
        header = read_header(block)
    except REFUSALS as error:
        require(len(str(error)) < 2000, "a message is short")
        return
    require(len(block) == BLOCK, "a header is one block")
    require(header.name.isascii() and 0 < len(header.name) <= 256, "a name is ASCII text")
    require(0 <= header.size < 8**12 and 0 <= header.padding < BLOCK, "a size is of twelve octal digits at most")


def seeds() -> list[bytes]:
    """Headers of each style and kind."""
    kinds = [tar_header("Ref:4/00000000", 5, kind=bytes([kind])) for kind in b"\0001234567gxLKSZ"]
    styles = [tar_header("ova.xml", 1 << 20, style) for style in ("v7", "ustar", "gnu")]
    prefixed = bytearray(styles[1])
    prefixed[345:350] = b"ab/cd"
    sizes = [
        tar_header("x", 0, size_field=field)
        for field in (b" 12 \0".ljust(12), b"\x80".ljust(12, b"\0"), b"9" * 12, b"")
    ]
    return [bytes([first]) + bytes(each) for each in (*kinds, *styles, prefixed, *sizes, b"") for first in (0, 1, 2)]


TARGET = Target("tar", run, [read_header], seeds, max_length=520)
