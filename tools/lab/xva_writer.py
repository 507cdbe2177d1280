"""Writes XenServer exports (XVA) of raw disks, as xapi writes them.

A tar of plain files with V7 headers: `ova.xml`, then for each disk members of 1 MiB, each followed by its checksum.
All-zero members are left out, but for the first and the last of a disk. Two zero blocks end the archive.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Literal

import xxhash

from tools.lab.ova import describe

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

MEMBER = 1 << 20
BLOCK = 512
ZEROS = bytes(MEMBER)

Checksum = Literal["xxhash", "checksum"]


@dataclass(frozen=True, slots=True)
class Written:
    """What an export holds: members with disk bytes, and members left out because they are zero."""

    stored: int
    skipped: int


def header(name: str, size: int, mtime: int = 0) -> bytes:
    """A V7 header as ocaml-tar makes it: no magic, no type, a checksum of seven digits.

    Raises:
        ValueError: The name or the size does not fit.
    """
    encoded = name.encode()
    if len(encoded) > 100 or size >= 8**11:
        raise ValueError(f"{name} ({size} bytes) does not fit a V7 header")
    block = bytearray(BLOCK)
    block[: len(encoded)] = encoded
    block[100:148] = b"%07o\0%07o\0%07o\0%011o\0%011o\0" % (0o400, 0, 0, size, mtime)
    block[148:156] = b" " * 8
    block[148:156] = b"%07o\0" % sum(block)
    return bytes(block)


def write_member(out: BinaryIO, name: str, body: bytes) -> None:
    """Header, body and padding of one member."""
    out.write(header(name, len(body)))
    out.write(body)
    out.write(bytes(-len(body) % BLOCK))


def checksum_of(kind: Checksum, body: bytes) -> bytes:
    """A checksum member's body: XXH64 in upper-case digits, or SHA-1 in lower-case ones."""
    if kind == "xxhash":
        return b"%016X" % xxhash.xxh64_intdigest(body)
    return hashlib.sha1(body, usedforsecurity=False).hexdigest().encode()


def write_disk(out: BinaryIO, reference: str, disk: BinaryIO, size: int, kind: Checksum) -> Written:
    """All members of one disk of `size` bytes.

    Raises:
        EOFError: The disk is shorter.
    """
    stored = skipped = 0
    count = -(-size // MEMBER)
    for number in range(count):
        body = disk.read(min(MEMBER, size - number * MEMBER))
        if len(body) != min(MEMBER, size - number * MEMBER):
            raise EOFError(f"the disk of {reference} ends before its {size} bytes")
        if 0 < number < count - 1 and body == ZEROS:
            skipped += 1
            continue
        name = f"{reference}/{number:08d}"
        write_member(out, name, body)
        write_member(out, f"{name}.{kind}", checksum_of(kind, body))
        stored += 1
    return Written(stored, skipped)


def write_xva(out: BinaryIO, name: str, disks: Sequence[Path], *, kind: Checksum = "xxhash") -> Written:
    """An export of a VM of that name with these raw disks; the same input gives the same bytes."""
    sizes = [disk.stat().st_size for disk in disks]
    description, references = describe(name, sizes)
    write_member(out, "ova.xml", description)
    stored = skipped = 0
    for reference, disk, size in sorted(zip(references, disks, sizes, strict=True), key=lambda entry: entry[0]):
        with disk.open("rb") as source:
            written = write_disk(out, reference, source, size, kind)
        stored += written.stored
        skipped += written.skipped
    out.write(bytes(2 * BLOCK))
    return Written(stored, skipped)
