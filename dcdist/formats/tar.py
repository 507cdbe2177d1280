"""One tar header: 512 bytes to a name and a size, for the plain files that make up an XVA.

It reads V7, ustar and GNU headers. Invariant: a header that is returned has a correct checksum, an ASCII name and a
possible size; a header that XenServer's own reader cannot read is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from dcdist.errors import FormatError

BLOCK = 512
"""Headers are one block; bodies are padded with zeros to whole blocks."""

ZERO_BLOCK = bytes(BLOCK)
"""Two of these end an archive."""

_NUMBER = re.compile(rb" *([0-7]+)[\0 ]*")
_CHECKSUM = slice(148, 156)
_KINDS = {
    b"1": "a hard link", b"2": "a symbolic link", b"3": "a device", b"4": "a device", b"5": "a folder", b"6": "a FIFO",
    b"7": "a contiguous file", b"g": "a pax header", b"x": "a pax header", b"L": "a GNU long name",
    b"K": "a GNU long link", b"S": "a GNU sparse file",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Header:
    """A plain file: its name in the archive and the bytes of its body."""

    name: str
    size: int

    @property
    def padding(self) -> int:
        """Zero bytes between the body and the next header."""
        return -self.size % BLOCK


def read_header(block: bytes) -> Header:
    """Read one header of 512 bytes.

    Raises:
        FormatError: It is not a header, is damaged, or is not of a plain file; the message has no position, which only
            the caller knows.
    """
    if len(block) != BLOCK:
        raise FormatError(f"a tar header has {BLOCK} bytes, not {len(block)}")
    field = block[_CHECKSUM]
    number = _NUMBER.fullmatch(field)
    computed = sum(block) - sum(field) + 8 * ord(" ")
    if number is None:
        raise FormatError("not a tar header, or a damaged one: its checksum is not an octal number")
    if int(number[1], 8) != computed:
        told = f"its checksum is {_shown(number[1])}, not {computed:06o}"
        raise FormatError(f"not a tar header, or a damaged one: {told}")
    name = _name(block)
    kind = block[156:157]
    if kind not in (b"\0", b"0"):
        what = _KINDS.get(kind) or f"of unknown type {_shown(kind)}"
        raise FormatError(f"{name!r} is {what}: an XVA has plain files only")
    return Header(name, _size(block, name))


def _name(block: bytes) -> str:
    name = block[:100].split(b"\0", 1)[0]
    # GNU headers have times where ustar has the prefix.
    if block[257:263] == b"ustar\0" and block[345]:
        name = block[345:500].split(b"\0", 1)[0] + b"/" + name
    if not name.isascii() or not name:
        raise FormatError(f"the member's name, {_shown(name)}, is not ASCII text")
    return name.decode("ascii")


def _size(block: bytes, name: str) -> int:
    field = block[124:136]
    number = _NUMBER.fullmatch(field)
    if number is None:
        raise FormatError(f"the size of {name!r} is {_shown(field)}, which is not an octal number")
    return int(number[1], 8)


def _shown(field: bytes) -> str:
    """A field as a message quotes it: text if it is text, else hex; without the zeros and spaces that fill it."""
    bare = field.strip(b"\0 ")
    text = bare.decode("utf-8", "replace")
    if not bare:
        return "empty"
    return repr(text) if text.isprintable() and "\ufffd" not in text else f"hex {bare.hex()}"
