"""Reads an XVA as xapi does: bytes in, blocks of disks out, in one pass, and not one byte more than it needs.

Follows stream_vdi.ml (`recv_all_vdi`) and import.ml (`stream_import`). What surprises is on purpose:
- It stops right behind the last checksum. The two blocks of zeros that end an archive are never read.
- A block's number is a counter. A gap stands for blocks of zeros, each as long as the first block of the whole import.
- Numbers are compared as text.
- A block's padding is read after the header of its checksum, so a block of parts of a sector cannot be read. No disk of
  xapi has such.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import xxhash

from tools.lab.xapi.description import Description, StreamedDisk, read_description
from tools.lab.xapi.failures import Failure
from tools.lab.xapi.tar_header import BLOCK, Member, read_member

if TYPE_CHECKING:
    from collections.abc import Generator

OVA = "ova.xml"
_INVALID = 'Stream_vdi.Failure("Invalid XVA file")'


@dataclass(frozen=True, slots=True)
class DiskBlock:
    """Bytes of a disk, and how many zeros were left out before them; `offset` is where these bytes begin."""

    disk: str
    offset: int
    skipped: int
    data: bytes


Step = Description | DiskBlock


class ArchiveReader:
    """Reads one archive: give it at most `wanted` bytes at a time until it wants none."""

    def __init__(self, *, force: bool = False) -> None:
        """With `force`, wrong checksums are taken."""
        self._force = force
        self._steps: list[Step] = []
        self._checksums: dict[str, str] = {}
        self._first_length: int | None = None
        self._got = bytearray()
        self._needs: Generator[int, None, None] = self._archive()
        self._wanted = next(self._needs)

    @property
    def wanted(self) -> int:
        """Bytes that it needs next; 0 when it has read the last block."""
        return self._wanted - len(self._got)

    def receive(self, data: bytes) -> list[Step]:
        """Take the next bytes and return what they complete.

        Raises:
            Failure: The archive cannot be read; the reader is of no use any more.
            ValueError: There are more bytes than wanted.
        """
        if len(data) > self.wanted:
            raise ValueError(f"{len(data)} bytes were given where {self.wanted} are wanted")
        self._got += data
        if self._wanted and not self.wanted:
            self._wanted = next(self._needs, 0)
        steps, self._steps = self._steps, []
        return steps

    # The archive in the order of its bytes. These generators yield how many bytes they need.

    def _archive(self) -> Generator[int, None, None]:
        ova = yield from self._member()
        if ova.name != OVA:
            raise Failure("IMPORT_ERROR_UNEXPECTED_FILE", OVA, ova.name)
        xml = yield from self._bytes(ova.size)
        yield from self._bytes(ova.padding)
        description = read_description(xml)
        self._steps.append(description)
        for disk in description.disks:
            yield from self._disk(disk)

    def _disk(self, disk: StreamedDisk) -> Generator[int, None, None]:
        offset, last = 0, "-1"
        while offset < disk.size:
            block = yield from self._member()
            if self._first_length is None:
                self._first_length = block.size
            if not block.name.startswith(disk.reference):
                raise Failure.of_import(_INVALID)
            # Whatever comes between the two is taken for the slash.
            number = block.name[len(disk.reference) + 1 :]
            if number <= last:
                raise Failure.of_import(_INVALID)
            skipped = self._first_length * (_counter(number) - _counter(last) - 1)
            data = yield from self._bytes(block.size)
            yield from self._check(block, data)
            self._steps.append(DiskBlock(disk.reference, offset + skipped, skipped, data))
            offset, last = offset + skipped + block.size, number

    def _check(self, block: Member, data: bytes) -> Generator[int, None, None]:
        companion = yield from self._member()
        stem, dot, kind = companion.name.rpartition(".")
        if not dot or kind not in {"xxhash", "checksum"}:
            message = f"Found unsupported checksum file: {companion.name}"
            raise Failure.of_import(f'Stream_vdi.Failure("{message}")')
        computed = _checksum(kind, data)
        self._checksums[block.name] = computed
        yield from self._bytes(block.padding)
        told = (yield from self._bytes(companion.size)).decode("latin-1")
        yield from self._bytes(companion.padding)
        # Any block that was read may be meant, as in xapi.
        if stem not in self._checksums:
            raise Failure.of_import("Not_found")
        if told != self._checksums[stem] and not self._force:
            message = f"Block {stem} checksum failed: original = {told}; recomputed = {self._checksums[stem]}"
            raise Failure.of_import(f'Stream_vdi.Invalid_checksum("{message}")')

    def _member(self) -> Generator[int, None, Member]:
        """The next header. One block of zeros is passed over; two are the end."""
        for _ in range(2):
            member = read_member((yield from self._bytes(BLOCK)))
            if member is not None:
                return member
        raise Failure.of_import("Tar.Header.End_of_stream")

    def _bytes(self, size: int) -> Generator[int, None, bytes]:
        if size == 0:
            return b""
        yield size
        data, self._got = bytes(self._got), bytearray()
        return data


def _counter(text: str) -> int:
    if text != "-1" and not (text.isascii() and text.isdigit()):
        raise Failure.of_import('Failure("int_of_string")')
    return int(text)


def _checksum(kind: str, data: bytes) -> str:
    if kind == "xxhash":
        return xxhash.xxh64_hexdigest(data).upper()
    return hashlib.sha1(data, usedforsecurity=False).hexdigest()
