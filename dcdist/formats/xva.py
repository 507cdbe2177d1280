"""An XVA as a stream: the same bytes out as in, cut at its members' bounds and verified on the way.

Nothing here does I/O: feed `XvaReader.receive` with bytes as they arrive, then call `finish`. An XVA is read as xapi
reads it: `ova.xml`, then the blocks of each disk, each followed by a companion with its checksum, then two zero blocks.
Block numbers are counters, not offsets: a gap stands for zero blocks, and an empty block (written to keep firewalls
awake) uses up a number but no byte of the disk. They have any number of digits, and rise both as text and as numbers.

Invariant: the joined parts of an XVA are the XVA. When `finish` returns, every checksum in it was correct and every
disk had the size that `ova.xml` declares.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

import xxhash

from dcdist.errors import FormatError, InvariantError, XvaError
from dcdist.formats import tar
from dcdist.formats.ova import OVA, OVA_LIMIT, Disk, read_disks
from dcdist.model.geometry import MIB

if TYPE_CHECKING:
    from collections.abc import Callable, Generator


@dataclass(frozen=True, slots=True)
class Content:
    """Bytes of a member's body that may recur in other versions; bodies are never adjacent."""

    data: memoryview


@dataclass(frozen=True, slots=True)
class Literal:
    """Bytes between bodies: headers, padding, checksums, the end."""

    data: memoryview


Part = Content | Literal

_NUMBER = re.compile(r"[0-9]+")
# As in xapi, where a number is an OCaml int.
_NUMBER_LIMIT = 2**62 - 1
_TEXT = re.compile(rb"[\t\r\n -~]{8,}")
_HTTP = re.compile(rb"HTTP/1\.[01] [1-5][0-9][0-9][^\r\n]{0,80}")
_TAIL = 4096
_COMPANION_SIZES = {"xxhash": 16, "checksum": 40}


BLOCK_LIMIT = 64 * MIB
"""The most bytes of one block; all known writers make blocks of 1 MiB."""


def begins_like_an_xva(block: bytes) -> bool:
    """Whether these first 512 bytes are the header of `ova.xml`."""
    try:
        return tar.read_header(block).name == OVA
    except FormatError:
        return False


class XvaReader:
    """Verifies one XVA. It cannot be used after an error."""

    def __init__(self) -> None:
        self._input = memoryview(b"")
        self._offset = 0
        self._ended = False
        self._tail = b""
        self._member = OVA
        self._member_offset = 0
        self._zero_block_size: int | None = None
        self._parts: list[Part] = []
        self._steps = self._archive()
        next(self._steps)

    @property
    def member(self) -> str:
        """The member being read."""
        return self._member

    def receive(self, data: bytes | memoryview) -> list[Part]:
        """Take the next bytes, split anywhere, and return the parts that are known.

        Parts are views of `data`, which must not change afterwards.

        Raises:
            XvaError: The XVA is damaged.
        """
        self._input = memoryview(data)
        self._tail = (self._tail + bytes(self._input[-_TAIL:]))[-_TAIL:]
        next(self._steps)
        parts, self._parts = self._parts, []
        return parts

    def finish(self) -> None:
        """End the input.

        Raises:
            XvaError: The XVA is not complete.
        """
        self._ended = True
        for _ in self._steps:
            raise InvariantError("the reader of an XVA asked for more at the end")

    # The archive, in the order of its bytes. These generators yield when they need more input.

    def _archive(self) -> Generator[None, None, None]:
        header = yield from self._header(OVA)
        if header is None or header.name != OVA:
            self._fail(f"the first member must be {OVA}")
        if header.size > OVA_LIMIT:
            self._fail(f"it has {header.size} bytes; at most {OVA_LIMIT} are read")
        xml = bytearray()
        yield from self._body(header.size, xml.extend)
        yield from self._padding(header.padding)
        try:
            disks = read_disks(bytes(xml))
        except FormatError as error:
            self._fail(str(error))
        del xml
        for disk in disks:
            yield from self._disk(disk)
        yield from self._end(disks)

    def _disk(self, disk: Disk) -> Generator[None, None, None]:
        # The number before the first, as in xapi.
        offset, last, block = 0, "-1", f"{disk.reference}/00000000"
        while offset < disk.size:
            header = yield from self._header(block)
            if header is None and self._zero_block_size is None:
                self._fail(
                    f"the archive ends before the first block of a disk, but {OVA} names {disk.reference} of "
                    f"{disk.size} bytes: it looks like an export of metadata only (xe vm-export metadata=true)"
                )
            if header is None:
                self._fail(f"the archive ends at byte {offset} of the {disk.size} of disk {disk.reference}")
            digits = self._digits(header.name, disk, last)
            if self._zero_block_size is None:
                # As in xapi: a gap stands for blocks with the length of the first block of the first disk.
                self._zero_block_size = header.size
            offset += (int(digits) - int(last) - 1) * self._zero_block_size + header.size
            if offset > disk.size:
                self._fail(f"it ends at byte {offset} of disk {disk.reference}, but {OVA} declares {disk.size} bytes")
            yield from self._block(header)
            last, block = digits, f"{disk.reference}/{int(digits) + 1:0{len(digits)}d}"

    def _digits(self, name: str, disk: Disk, last: str) -> str:
        """The number of a block, as it is written; `last` is that of the block before."""
        reference, _, digits = name.rpartition("/")
        if reference != disk.reference or not _NUMBER.fullmatch(digits):
            self._fail(f"a block of disk {disk.reference} is expected here, after number {int(last)}")
        if int(digits) > _NUMBER_LIMIT:
            self._fail(f"block numbers must be at most {_NUMBER_LIMIT}")
        if int(digits) <= int(last):
            self._fail(f"block numbers must rise, but the last was {int(last)}")
        if digits <= last:
            self._fail(f"block numbers must rise as text too, for xapi compares them so, but the last was {last}")
        return digits

    def _block(self, header: tar.Header) -> Generator[None, None, None]:
        block, offset = header.name, self._member_offset
        if header.size > BLOCK_LIMIT:
            self._fail(f"it has {header.size} bytes; at most {BLOCK_LIMIT} are read")
        # Kept until the companion shows the kind of checksum.
        body: list[memoryview] = []
        yield from self._body(header.size, body.append)
        yield from self._padding(header.padding)
        companion = yield from self._header(f"{block}.xxhash")
        name = "" if companion is None else companion.name
        stem, _, kind = name.rpartition(".")
        if companion is None or stem != block or kind not in _COMPANION_SIZES:
            self._fail(f"the checksum of {block} (.xxhash or .checksum) is expected here")
        if companion.size != _COMPANION_SIZES[kind]:
            self._fail(f"it has {companion.size} bytes instead of {_COMPANION_SIZES[kind]}")
        stored = yield from self._literal(companion.size)
        yield from self._padding(companion.padding)
        computed = _checksum(kind, body)
        if stored != computed.encode():
            self._member, self._member_offset = block, offset
            self._fail(f"its checksum is {computed}, but {name} says {stored.decode('ascii', 'replace')!r}: damaged")

    def _end(self, disks: tuple[Disk, ...]) -> Generator[None, None, None]:
        header = yield from self._header("the end of the archive")
        if header is not None:
            self._fail(f"it follows the last of the {len(disks)} disks that {OVA} names")
        second = yield from self._literal(tar.BLOCK)
        if second != tar.ZERO_BLOCK:
            self._fail("the second zero block of the end is missing")
        while not (self._ended and not self._input):
            if bytes(self._input).strip(b"\0"):
                self._fail(f"the end of the archive is followed by more than zeros{self._foreign_text()}")
            if self._input:
                self._take(len(self._input), Literal)
            if not self._ended:
                yield

    # Elements.

    def _header(self, expected: str) -> Generator[None, None, tar.Header | None]:
        """A header; None for a block of zeros. Messages name `expected` if there is no header."""
        self._member, self._member_offset = expected, self._offset
        block = yield from self._literal(tar.BLOCK)
        if block == tar.ZERO_BLOCK:
            return None
        try:
            header = tar.read_header(block)
        except FormatError as error:
            self._fail(f"{error}{self._foreign_text(block)}")
        self._member = header.name
        return header

    def _body(self, size: int, sink: Callable[[memoryview], object]) -> Generator[None, None, None]:
        left = size
        while left:
            yield from self._wait()
            data = self._take(left, Content)
            left -= len(data)
            sink(data)

    def _padding(self, size: int) -> Generator[None, None, None]:
        padding = yield from self._literal(size)
        if any(padding):
            self._fail("the padding after it is not zero")

    def _literal(self, size: int) -> Generator[None, None, bytes]:
        data = b""
        while len(data) < size:
            yield from self._wait()
            data += self._take(size - len(data), Literal)
        return data

    def _wait(self) -> Generator[None, None, None]:
        while not self._input:
            if self._ended:
                # Less than a header, and all of it is in the tail.
                block = self._tail if self._offset < tar.BLOCK else b""
                self._fail(f"the file ends here, at byte {self._offset}: it is truncated{self._foreign_text(block)}")
            yield

    def _take(self, most: int, kind: type[Part]) -> memoryview:
        data, self._input = self._input[:most], self._input[most:]
        self._offset += len(data)
        self._parts.append(kind(data))
        return data

    def _foreign_text(self, block: bytes = b"") -> str:
        """Text that a failed export may have left: xapi can append an HTTP error to the bytes it sent."""
        found = _HTTP.search(block) or _HTTP.search(self._tail)
        if found:
            return f" (the export failed: it holds the HTTP answer {found[0].decode('ascii', 'replace')!r})"
        text = _TEXT.match(block)
        return f" (it begins with the text {text[0][:60].decode()!r})" if text else ""

    def _fail(self, message: str) -> NoReturn:
        raise XvaError(f"{self._member} at byte {self._member_offset}: {message}", member=self._member) from None


def _checksum(kind: str, body: list[memoryview]) -> str:
    hasher = xxhash.xxh64() if kind == "xxhash" else hashlib.sha1(usedforsecurity=False)
    for data in body:
        hasher.update(data)
    return hasher.hexdigest().upper() if kind == "xxhash" else hasher.hexdigest()
