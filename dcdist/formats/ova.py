"""`ova.xml`, the first member of an XVA: it names the disks that follow and their lengths.

It is read as xapi reads it. Invariant: the disks are returned in the order of the stream, which is the *string* order
of their references: `Ref:10` before `Ref:9`.
"""

from __future__ import annotations

import re
import xmlrpc.client
from dataclasses import dataclass
from typing import cast
from xml.parsers.expat import ExpatError

from dcdist.errors import FormatError
from dcdist.model.geometry import MIB

OVA = "ova.xml"
"""The member's name."""

OVA_LIMIT = 64 * MIB
"""The most bytes of that member."""

_Struct = dict[str, object]

_PROLOG = re.compile(rb"\s*<\?xml[^>]*\?>")
_SIZE = re.compile(r"[0-9]{1,18}")
_EXPORT_VERSION = "2"
_TEXT_LIMIT = 255
# The standard parser raises these for bad input: a <bigdecimal> of letters is an ArithmeticError.
_NOT_XML_RPC = (
    xmlrpc.client.Error, ExpatError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError,
)  # fmt: skip


@dataclass(frozen=True, slots=True, order=True)
class Disk:
    """A disk of the stream: its reference, with which its members' names begin, and its length in bytes."""

    reference: str
    size: int


def read_disks(xml: bytes) -> tuple[Disk, ...]:
    """The disks that follow `ova.xml`, in stream order.

    Raises:
        FormatError: XenServer 5 and later do not write such a document; the message does not name the member.
    """
    root = _struct(_parse(xml), "the document")
    version = _scalar(_struct(root.get("version"), "version").get("export_vsn"))
    if version != _EXPORT_VERSION:
        raise FormatError(f"export_vsn is {version[:40]}; only {_EXPORT_VERSION} (XenServer 5 and later) can be read")
    objects: dict[str, tuple[str, _Struct]] = {}
    for item in _list(root.get("objects"), "objects"):
        described = _struct(item, "an object")
        reference = _text(described.get("id"), "the id of an object")
        if reference in objects:
            raise FormatError(f"two objects have the id {reference!r}")
        objects[reference] = (
            _text(described.get("class"), f"the class of {reference}"),
            _struct(described.get("snapshot"), f"the snapshot of {reference}"),
        )
    return tuple(sorted(_streamed(objects)))


def _parse(xml: bytes) -> object:
    if b"<!DOCTYPE" in xml or b"<!ENTITY" in xml:
        raise FormatError("it declares a document type or entities, which XenServer never writes")
    bare = xml[prolog.end() :] if (prolog := _PROLOG.match(xml)) else xml
    try:
        # The document is one bare <value>; the standard parser needs the call around it.
        values, _ = xmlrpc.client.loads(b"<params><param>" + bare + b"</param></params>")
    except _NOT_XML_RPC as error:
        raise FormatError(f"it is not an XML-RPC value: {error}") from error
    if len(values) != 1:
        raise FormatError(f"it holds {len(values)} values instead of one")
    return values[0]


def _streamed(objects: dict[str, tuple[str, _Struct]]) -> list[Disk]:
    """The disk of every VBD except CD drives, unless it lies in a storage of ISO files; and suspend images."""
    wanted = set()
    for reference, (kind, snapshot) in objects.items():
        if kind != "VBD" or snapshot.get("type", "Disk") == "CD":
            continue
        disk = _text(snapshot.get("VDI"), f"the VDI of {reference}")
        storage = _text(_of(objects, "VDI", disk, reference).get("SR"), f"the SR of {disk}")
        if _of(objects, "SR", storage, disk).get("content_type") != "iso":
            wanted.add(disk)
    return [
        Disk(reference, _size(snapshot, reference))
        for reference, (kind, snapshot) in objects.items()
        if kind == "VDI" and (reference in wanted or snapshot.get("type") == "suspend")
    ]


def _of(objects: dict[str, tuple[str, _Struct]], kind: str, reference: str, owner: str) -> _Struct:
    found = objects.get(reference)
    if found is None or found[0] != kind:
        raise FormatError(f"{owner} names the {kind} {reference!r}, which does not exist")
    return found[1]


def _size(snapshot: _Struct, reference: str) -> int:
    text = _scalar(snapshot.get("virtual_size"))
    if not _SIZE.fullmatch(text):
        raise FormatError(f"the virtual_size of {reference} is {text[:40]!r}, which is not a size")
    return int(text)


def _struct(value: object, what: str) -> _Struct:
    if not isinstance(value, dict):
        raise FormatError(f"{what} is not a struct")
    return cast("_Struct", value)


def _list(value: object, what: str) -> list[object]:
    if not isinstance(value, list):
        raise FormatError(f"{what} is not an array")
    return cast("list[object]", value)


def _text(value: object, what: str) -> str:
    if not isinstance(value, str) or not value:
        raise FormatError(f"{what} is not text")
    if len(value) > _TEXT_LIMIT:
        raise FormatError(f"{what} has {len(value)} characters, the limit is {_TEXT_LIMIT}")
    return value


def _scalar(value: object) -> str:
    """A text or a number as text; for anything else only the type, since the value may be nested too deeply to show."""
    return str(value) if isinstance(value, str | int) else f"a {type(value).__name__}"
