"""The lab's exports: the bytes that xapi would write."""

from __future__ import annotations

import io
import tarfile
import xmlrpc.client
from typing import TYPE_CHECKING

import pytest

from tools.lab.ova import describe
from tools.lab.sizes import parse_size
from tools.lab.xva_writer import Written, header, write_xva

if TYPE_CHECKING:
    from pathlib import Path

MEMBER = 1 << 20


def exported(tmp_path: Path, *disks: bytes) -> tuple[Written, bytes]:
    """An export of disks with these bytes."""
    paths = []
    for number, content in enumerate(disks):
        paths.append(tmp_path / f"disk{number}")
        paths[-1].write_bytes(content)
    out = io.BytesIO()
    return write_xva(out, "demo", paths), out.getvalue()


def members(archive: bytes) -> dict[str, bytes]:
    """Names and bodies, as an independent reader sees them."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        files = {entry.name: tar.extractfile(entry) for entry in tar.getmembers()}
        return {name: file.read() for name, file in files.items() if file is not None}


def test_a_header_has_the_bytes_that_ocaml_tar_writes() -> None:
    block = header("Ref:4/00000000", 1048576)
    assert block[:124] == b"Ref:4/00000000".ljust(100, b"\0") + b"0000400\0" + b"0000000\0" * 2
    assert block[124:] == b"00004000000\0" + b"00000000000\0" + b"0006122\0" + bytes(356)


def test_a_name_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        header("x" * 101, 0)


def test_zero_members_are_left_out_except_the_first_and_the_last(tmp_path: Path) -> None:
    disk = bytes(2 * MEMBER) + b"data".ljust(MEMBER, b"\0") + bytes(2 * MEMBER)
    written, archive = exported(tmp_path, disk)
    assert written == Written(stored=3, skipped=2)
    numbers = [name.split("/")[1] for name in members(archive) if "/" in name and "." not in name]
    assert numbers == ["00000000", "00000002", "00000004"]
    assert archive.endswith(bytes(1024))


def test_a_checksum_follows_each_member_in_upper_case(tmp_path: Path) -> None:
    _, archive = exported(tmp_path, b"a")
    assert [(name, body) for name, body in members(archive).items() if name != "ova.xml"] == [
        ("Ref:5/00000000", b"a"),
        ("Ref:5/00000000.xxhash", b"D24EC4F1A98C6E5B"),
    ]


def test_disks_come_in_the_order_of_their_references_as_text(tmp_path: Path) -> None:
    _, archive = exported(tmp_path, *[bytes([number + 1]) for number in range(6)])
    bodies = [body for name, body in members(archive).items() if "/" in name and "." not in name]
    assert bodies == [b"\6", b"\1", b"\2", b"\3", b"\4", b"\5"]


def test_the_description_parses_and_names_every_disk_with_its_size() -> None:
    description, references = describe("a <demo>", [1, MEMBER])
    ((root,), _) = xmlrpc.client.loads(b"<params><param>" + description + b"</param></params>")
    assert isinstance(root, dict)
    records = {entry["id"]: (entry["class"], entry["snapshot"]) for entry in root["objects"]}
    assert records["Ref:0"][1]["name_label"] == "a <demo>"
    assert [(records[each][0], records[each][1]["virtual_size"]) for each in references] == [
        ("VDI", "1"),
        ("VDI", "1048576"),
    ]
    assert all(records[records[each][1]["SR"]][0] == "SR" for each in references)


def test_the_same_disks_give_the_same_bytes(tmp_path: Path) -> None:
    assert exported(tmp_path, b"a")[1] == exported(tmp_path, b"a")[1]


@pytest.mark.parametrize(
    ("text", "size"), [("1GiB", 1 << 30), ("700 MiB", 700 << 20), ("1.5GB", 1_500_000_000), ("12", 12), ("3k", 3000)]
)
def test_sizes_are_read_as_people_write_them(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "GiB", "-1", "1 TiB", "1e9"])
def test_a_text_that_is_not_a_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a size"):
        parse_size(text)
