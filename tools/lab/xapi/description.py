"""ova.xml, the first member of an XVA: its VMs, its disks in stream order, and the version of xapi that wrote it.

Follows import.ml (`non_cdrom_vdis`), importexport.ml and stream_vdi.ml (`vdi_ordering`). It is on purpose not the
product's reader: two readers of one format check each other.
"""

from __future__ import annotations

import xmlrpc.client
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast
from xml.parsers.expat import ExpatError

from tools.lab.xapi.failures import Failure

if TYPE_CHECKING:
    from collections.abc import Mapping

    Record = Mapping[str, object]


@dataclass(frozen=True, slots=True, order=True)
class StreamedDisk:
    """A disk that the archive brings: the reference before its blocks' numbers, and its bytes."""

    reference: str
    size: int


@dataclass(frozen=True, slots=True)
class ExportedMachine:
    """A VM as it was exported; `version` counts its changes."""

    uuid: str
    name: str
    version: int
    is_a_snapshot: bool
    is_a_template: bool


@dataclass(frozen=True, slots=True)
class Description:
    """All that an import needs of ova.xml. Disks are in the order of the stream: by their references as text."""

    api_version: tuple[int, int]
    machines: tuple[ExportedMachine, ...]
    disks: tuple[StreamedDisk, ...]


def read_description(xml: bytes) -> Description:
    """What ova.xml says.

    Raises:
        Failure: It is not one of XenServer 5 or later.
    """
    try:
        # The document is one bare value.
        ((root,), _) = xmlrpc.client.loads(b"<params><param>" + xml + b"</param></params>")
        return _described(cast("Record", root))
    except (xmlrpc.client.Error, ExpatError, ValueError, TypeError, LookupError, AttributeError) as error:
        raise Failure.of_import(f"ova.xml: {error!r}") from error


def _described(root: Record) -> Description:
    version = cast("Record", root["version"])
    if _number(version["export_vsn"]) != 2:
        raise Failure.of_import(f"the lab reads export_vsn 2, not {version['export_vsn']}")
    listed = cast("list[Record]", root["objects"])
    objects = {str(each["id"]): (str(each["class"]), cast("Record", each["snapshot"])) for each in listed}
    return Description(
        (_number(version["xapi_major"]), _number(version["xapi_minor"])),
        tuple(_machine(record) for kind, record in objects.values() if kind == "VM"),
        tuple(sorted(_streamed(objects))),
    )


def _machine(record: Record) -> ExportedMachine:
    return ExportedMachine(
        str(record["uuid"]),
        str(record["name_label"]),
        _number(record.get("version", "0")),
        bool(record.get("is_a_snapshot", False)),
        bool(record.get("is_a_template", False)),
    )


def _streamed(objects: Mapping[str, tuple[str, Record]]) -> list[StreamedDisk]:
    """The disks of all drives but those for CDs, unless they lie in a storage of ISO files; and suspend images."""
    wanted = set()
    for kind, record in objects.values():
        if kind == "VBD" and record.get("type", "Disk") != "CD":
            disk = str(record["VDI"])
            storage = str(_found(objects, disk)["SR"])
            if _found(objects, storage).get("content_type") != "iso":
                wanted.add(disk)
    return [
        StreamedDisk(reference, _number(record["virtual_size"]))
        for reference, (kind, record) in objects.items()
        if kind == "VDI" and (reference in wanted or record.get("type") == "suspend")
    ]


def _found(objects: Mapping[str, tuple[str, Record]], reference: str) -> Record:
    if reference not in objects:
        raise Failure("IMPORT_ERROR_FAILED_TO_FIND_OBJECT", reference)
    return objects[reference][1]


def _number(value: object) -> int:
    """Numbers are text in XML-RPC as xapi writes it."""
    return int(str(value))
