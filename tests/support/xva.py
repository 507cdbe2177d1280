"""Small XVAs, member by member, so that a test can bend each of them. Blocks are 4 KiB instead of 1 MiB."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal
from xml.sax.saxutils import escape

import xxhash

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

BLOCK = 4096
END = bytes(1024)

Style = Literal["v7", "ustar", "gnu"]
Checksum = Literal["xxhash", "checksum"]

_MAGICS = {"v7": bytes(8), "ustar": b"ustar\x0000", "gnu": b"ustar  \0"}


@dataclass(frozen=True, slots=True)
class Member:
    """A name, a body, and the header if it is not the ordinary one."""

    name: str
    body: bytes
    header: bytes | None = None

    def packed(self, style: Style) -> bytes:
        """Header, body and padding."""
        head = tar_header(self.name, len(self.body), style) if self.header is None else self.header
        return head + self.body + bytes(-len(self.body) % 512)


@dataclass(frozen=True, slots=True)
class Disk:
    """A disk's reference and content; `awake` are the block numbers that an empty keep-alive member takes."""

    reference: str
    content: bytes
    awake: frozenset[int] = frozenset()


def tar_header(
    name: str, size: int, style: Style = "v7", *, kind: bytes | None = None, size_field: bytes | None = None
) -> bytes:
    """512 bytes, with a right checksum whatever else is asked for."""
    head = bytearray(512)
    head[0:100] = name.encode().ljust(100, b"\0")
    head[100:124] = b"0000400\0" + b"0000000\0" * 2
    head[124:136] = size_field if size_field is not None else b"%011o\0" % size
    head[136:148] = b"%011o\0" % 0
    head[156:157] = kind if kind is not None else (b"\0" if style == "v7" else b"0")
    head[257:265] = _MAGICS[style]
    return sealed(head)


def sealed(head: bytearray) -> bytes:
    """The header with its checksum filled in."""
    head[148:156] = b" " * 8
    head[148:156] = b"%07o\0" % sum(head)
    return bytes(head)


def ova(disks: Iterable[tuple[str, int]], *, version: int = 2, extra: str = "") -> bytes:
    """An `ova.xml` of these references and sizes; `extra` are more objects."""
    objects = [_object("SR", "Ref:100", content_type="user")]
    for number, (reference, size) in enumerate(disks):
        objects.append(_object("VBD", f"Ref:{200 + number}", VDI=reference, type="Disk"))
        objects.append(_object("VDI", reference, virtual_size=str(size), SR="Ref:100", type="user"))
    return document("".join(objects) + extra, version=version)


def document(objects: str, *, version: int = 2) -> bytes:
    """The whole of `ova.xml` around the objects."""
    head = _struct(export_vsn=str(version), hostname="localhost")
    listed = f"<value><array><data>{objects}</data></array></value>"
    return f"<value><struct>{_member('version', head)}{_member('objects', listed)}</struct></value>".encode()


def xml_object(kind: str, reference: str, **snapshot: str) -> str:
    """One object of `ova.xml`."""
    return _object(kind, reference, **snapshot)


def members(disks: Sequence[Disk], *, checksum: Checksum = "xxhash", digits: int = 8) -> list[Member]:
    """All members, as xapi would write them: disks by the string order of their references, zero blocks left out.

    Other writers number blocks with more `digits`.
    """
    listed = [Member("ova.xml", ova((disk.reference, len(disk.content)) for disk in disks))]
    for disk in sorted(disks, key=lambda each: each.reference):
        for number, block in _blocks(disk):
            name = f"{disk.reference}/{number:0{digits}d}"
            listed += [Member(name, block), Member(f"{name}.{checksum}", checksum_of(block, checksum))]
    return listed


def archive(listed: Iterable[Member], *, style: Style = "v7", end: bytes = END) -> bytes:
    """The XVA that these members make."""
    return b"".join(member.packed(style) for member in listed) + end


def xva(*disks: Disk, checksum: Checksum = "xxhash", style: Style = "v7") -> bytes:
    """A whole XVA."""
    return archive(members(disks, checksum=checksum), style=style)


def checksum_of(block: bytes, checksum: Checksum) -> bytes:
    """What the companion of a block holds."""
    if checksum == "xxhash":
        return xxhash.xxh64_hexdigest(block).upper().encode()
    return hashlib.sha1(block, usedforsecurity=False).hexdigest().encode()


def changed(listed: Sequence[Member], name: str, body: bytes) -> list[Member]:
    """The members, with another body for one of them."""
    return [replace(member, body=body) if member.name == name else member for member in listed]


def _blocks(disk: Disk) -> Iterator[tuple[int, bytes]]:
    """Numbers count: an empty block takes one, and no bytes of the disk."""
    number = offset = 0
    while offset < len(disk.content):
        if number in disk.awake:
            yield number, b""
        else:
            block = disk.content[offset : offset + BLOCK]
            offset += len(block)
            if number == 0 or offset == len(disk.content) or any(block):
                yield number, block
        number += 1


def _object(kind: str, reference: str, **snapshot: str) -> str:
    described = _struct(**snapshot)
    fields = _member("class", _text(kind)) + _member("id", _text(reference)) + _member("snapshot", described)
    return f"<value><struct>{fields}</struct></value>"


def _struct(**fields: str) -> str:
    return f"<value><struct>{''.join(_member(name, _text(text)) for name, text in fields.items())}</struct></value>"


def _text(text: str) -> str:
    return f"<value>{escape(text)}</value>"


def _member(name: str, value: str) -> str:
    return f"<member><name>{name}</name>{value}</member>"
