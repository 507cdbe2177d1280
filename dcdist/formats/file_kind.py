"""What the first bytes of a file look like, for messages: a web page where an image was expected, a packed image.

Invariant: only words come of it. Nothing is accepted, refused or read in another way because of what it looks like.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from dcdist.errors import FormatError
from dcdist.formats import tar


@dataclass(frozen=True, slots=True)
class FileKind:
    """A kind in words, with its article; `compressed` if its bytes share nothing with other versions of the same."""

    words: str
    compressed: bool = False


_MAGICS = (
    (0, b"\x1f\x8b\x08", FileKind("a gzip file", compressed=True)),
    (0, b"\x28\xb5\x2f\xfd", FileKind("a zstd file", compressed=True)),
    (0, b"\xfd7zXZ\0", FileKind("an xz file", compressed=True)),
    (0, b"\x04\x22\x4d\x18", FileKind("an lz4 file", compressed=True)),
    (0, b"7z\xbc\xaf\x27\x1c", FileKind("a 7-Zip archive", compressed=True)),
    (0, b"PK\x03\x04", FileKind("a zip archive", compressed=True)),
    (0, b"PK\x05\x06", FileKind("an empty zip archive")),
    (4, b"\x31\x41\x59\x26\x53\x59", FileKind("a bzip2 file", compressed=True)),
    (0, b"QFI\xfb", FileKind("a qcow2 disk image")),
    (0, b"conectix", FileKind("a VHD disk image")),
    (0, b"vhdxfile", FileKind("a VHDX disk image")),
    (0, b"KDMV", FileKind("a VMDK disk image")),
    (0, b"# Disk DescriptorFile", FileKind("the descriptor of a VMDK disk image")),
    (64, b"\x7f\x10\xda\xbe", FileKind("a VirtualBox disk image (VDI)")),
    (32769, b"CD001", FileKind("an ISO 9660 image")),
    (512, b"EFI PART", FileKind("a raw disk image with a partition table")),
    (510, b"\x55\xaa", FileKind("a raw disk image with a boot sector")),
)
"""Where a kind shows, by what, and its words; the first that matches counts."""

# Comments may stand before it.
_HTML = re.compile(rb"<(?:!doctype html|html|head|body)\b", re.IGNORECASE)
_BEFORE_TEXT = b"\xef\xbb\xbf\t\r\n "
_HTTP = re.compile(rb"HTTP/[0-9.]{1,3} [1-5][0-9][0-9][ -~]{0,60}")
_LOOKED_AT = 2048


def kind_of(head: bytes) -> FileKind | None:
    """What a file looks like whose first bytes (34 KiB show all that is known here) are `head`; None if unknown."""
    for start, magic, kind in _MAGICS:
        if head[start : start + len(magic)] == magic:
            return kind
    if answer := _HTTP.match(head):
        return FileKind(f"an answer of a web server ({answer[0].decode('ascii')!r})")
    text = head[:_LOOKED_AT].lstrip(_BEFORE_TEXT)
    if text.startswith((b"<?xml", b"<!", b"<h", b"<H", b"<b", b"<B")) and _HTML.search(text):
        return FileKind("an HTML page")
    if text.startswith(b"<?xml"):
        return FileKind("an XML document")
    return _kind_of_tar(head)


def _kind_of_tar(head: bytes) -> FileKind | None:
    try:
        first = tar.read_header(head[: tar.BLOCK]).name
    except FormatError:
        return None
    if first.lower().endswith(".ovf"):
        return FileKind("an OVA, an export of another product")
    return FileKind(f"a tar archive whose first file is {first[:80]!r}")
