"""`ova.xml`: disks in stream order, or a refusal."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from dcdist.formats.ova import read_disks
from tests.fuzz.recipes import Recipe, recipes
from tests.fuzz.target import REFUSALS, Target, require
from tests.support.xva import ova

if TYPE_CHECKING:
    from tests.support.format_objects import Plain


class _TooLongError(Exception):
    """A recipe makes more of a document than is of use."""


def _described(kind: str, reference: str, **snapshot: Plain) -> Plain:
    return {"class": kind, "id": reference, "snapshot": dict(snapshot)}


_DOCUMENT: Plain = {
    "version": {"export_vsn": "2", "hostname": "localhost"},
    "objects": [
        _described("SR", "Ref:1", content_type="user"), _described("SR", "Ref:2", content_type="iso"),
        _described("VBD", "Ref:3", VDI="Ref:10", type="Disk"), _described("VBD", "Ref:4", VDI="Ref:9"),
        _described("VBD", "Ref:5", VDI="", type="CD"), _described("VBD", "Ref:6", VDI="Ref:11", type="Disk"),
        _described("VDI", "Ref:9", virtual_size="1048576", SR="Ref:1", type="user"),
        _described("VDI", "Ref:10", virtual_size="512", SR="Ref:1", type="user"),
        _described("VDI", "Ref:11", virtual_size="1", SR="Ref:2", type="user"),
        _described("VDI", "Ref:12", virtual_size="7", SR="Ref:1", type="suspend"),
    ],
}  # fmt: skip
_LONGEST = 1 << 20
"""Bytes of a document. A recipe of 46 bytes can make 36 MB of it, which only takes long because it is long; others more
than there is memory."""

_SNIPPETS = (
    b"<nil/>", b"<int>5</int>", b"<i8>99999999999</i8>", b"<double>1e999</double>", b"<double>x</double>",
    b"<boolean>1</boolean>", b"<boolean>7</boolean>", b"<base64>AAAA</base64>", b"<base64>A</base64>",
    b"<bigdecimal>1.5</bigdecimal>", b"<bigdecimal>x</bigdecimal>", b"<string>x</string>",
    b"<dateTime.iso8601>20260101T00:00:00</dateTime.iso8601>", b"<array><data></data></array>", b"<struct></struct>",
    b"<struct><member><name>a</name></member></struct>", b"<fault><value><int>1</int></value></fault>",
    b"<methodName>x</methodName>", b"</value><value>", b"</params>", b"<int>" + b"9" * 5000 + b"</int>", b"&#1;",
    b"&amp;&lt;", b"<![CDATA[<x>]]>", b"<!-- x -->", b"<?x y?>", b"<ex:i8 xmlns:ex='x'>1</ex:i8>",
    b"<array><data><value>" * 3000 + b"</value></data></array>" * 3000,
)  # fmt: skip


def run(data: bytes) -> None:
    """The first byte: whether the rest is XML, or changes to a document."""
    first, rest = data[0] if data else 0, data[1:]
    try:
        xml = _xml(Recipe(rest).edited(_DOCUMENT)) if first & 1 else rest
    except _TooLongError:
        return
    if first & 2:
        xml = b"<?xml version='1.0'?>" + xml
    try:
        disks = read_disks(xml)
    except REFUSALS as error:
        require(len(str(error)) < 2000, "a message is short")
        return
    require(list(disks) == sorted(disks), "disks come in the order of their references")
    require(len({disk.reference for disk in disks}) == len(disks), "a disk stands once")
    require(all(0 <= disk.size < 10**18 and disk.reference for disk in disks), "a disk has a size")


def _xml(value: Plain) -> bytes:
    """A value as XML-RPC; bytes become XML of all sorts.

    Raises:
        _TooLongError: It would be.
    """
    out = bytearray()
    _write(out, value)
    return bytes(out)


def _write(out: bytearray, value: Plain) -> None:
    out += b"<value>"
    match value:
        case dict():
            out += b"<struct>"
            for key, each in value.items():
                out += b"<member><name>%s</name>" % _text(key)
                _write(out, each)
                out += b"</member>"
            out += b"</struct>"
        case list():
            out += b"<array><data>"
            for each in value:
                _write(out, each)
            out += b"</data></array>"
        case bytes():
            out += _SNIPPETS[value[0] % len(_SNIPPETS)] if len(value) == 1 else value
        case int():
            out += b"<int>%d</int>" % value
        case _:
            out += _text(str(value))
    out += b"</value>"
    if len(out) > _LONGEST:
        raise _TooLongError


def _text(text: str) -> bytes:
    return escape(text).encode()


def seeds() -> list[bytes]:
    """Documents, and each snippet in some places of one."""
    raw = [ova([("Ref:4", 1024), ("Ref:10", 5)]), b"<value/>", b"<!DOCTYPE x>", b"<value>&x;</value>", b"<value>\xff"]
    put = [
        b"\x01" + recipe
        for recipe in recipes(_DOCUMENT, [bytes([2, 3, 1, number]) for number in range(len(_SNIPPETS))])
    ]
    edits = [b"\x01" + recipe for recipe in recipes(_DOCUMENT)]
    return [*(bytes([first]) + each for each in raw for first in (0, 2)), b"\x01", *put, *edits]


TARGET = Target("ova", run, [read_disks], seeds, max_length=2000)
