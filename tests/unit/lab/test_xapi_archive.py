"""XVAs as the lab's xapi reads them: where blocks go, what is refused and how, and where reading ends."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

from tests.support.xapi_client import make_xva
from tools.lab.ova import describe
from tools.lab.xapi.archive import ArchiveReader, DiskBlock
from tools.lab.xapi.description import Description, StreamedDisk
from tools.lab.xapi.failures import Failure
from tools.lab.xva_writer import checksum_of, write_member

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tools.lab.xva_writer import Checksum

    Member = tuple[str, bytes]

INVALID = 'INTERNAL_ERROR: [ Stream_vdi.Failure("Invalid XVA file") ]'
SECTOR = b"a sector".ljust(512, b".")
OTHER = b"another".ljust(512, b".")


def block(name: str, body: bytes, kind: Checksum = "xxhash") -> list[Member]:
    """A block's member and its checksum's."""
    return [(name, body), (f"{name}.{kind}", checksum_of(kind, body))]


def archive(sizes: list[int], *members: Iterable[Member]) -> bytes:
    """An archive of a VM with disks of these sizes, `Ref:5` and on, and these members; without an end."""
    out = io.BytesIO()
    write_member(out, "ova.xml", describe("web", sizes)[0])
    for name, body in (member for several in members for member in several):
        write_member(out, name, body)
    return out.getvalue()


def read(data: bytes, *, force: bool = False, at_once: int = 1 << 20) -> tuple[list[DiskBlock], int]:
    """The blocks of an archive, and how many of its bytes were read."""
    reader, blocks, offset = ArchiveReader(force=force), [], 0
    while reader.wanted and offset < len(data):
        part = data[offset : offset + min(at_once, reader.wanted)]
        blocks += [step for step in reader.receive(part) if isinstance(step, DiskBlock)]
        offset += len(part)
    assert not reader.wanted, "the archive ends early"
    return blocks, offset


def failure(data: bytes) -> tuple[str, ...]:
    """How reading fails."""
    with pytest.raises(Failure) as failed:
        read(data)
    return failed.value.description


def test_the_description_comes_before_the_blocks() -> None:
    data = archive([512], block("Ref:5/00000000", SECTOR))
    reader = ArchiveReader()
    steps = []
    for byte in data:
        steps += reader.receive(bytes([byte]))
    assert isinstance(steps[0], Description)
    assert steps[0].machines[0].name == "web"
    assert steps[0].disks == (StreamedDisk("Ref:5", 512),)
    assert steps[0].api_version == (1, 20)
    assert steps[1:] == [DiskBlock("Ref:5", 0, 0, SECTOR)]


@pytest.mark.parametrize("at_once", [1, 511, 512, 513, 1 << 20])
def test_bytes_may_come_in_any_parts(at_once: int) -> None:
    data = archive([1024, 512], block("Ref:5/00000000", SECTOR), block("Ref:5/00000001", OTHER),
                   block("Ref:6/00000000", OTHER))  # fmt: skip
    blocks = [DiskBlock("Ref:5", 0, 0, SECTOR), DiskBlock("Ref:5", 512, 0, OTHER), DiskBlock("Ref:6", 0, 0, OTHER)]
    assert read(data, at_once=at_once) == (blocks, len(data))


def test_more_bytes_than_wanted_are_refused() -> None:
    with pytest.raises(ValueError, match="513 bytes were given where 512 are wanted"):
        ArchiveReader().receive(bytes(513))


def test_disks_of_a_real_export_come_back(tmp_path: Path) -> None:
    data, disks = make_xva(tmp_path, sizes=(2_621_440, 512))
    blocks, taken = read(data)
    rebuilt = [b"".join(each.data for each in blocks if each.disk == disk) for disk in ("Ref:5", "Ref:6")]
    assert rebuilt == disks
    assert taken == len(data) - 1024


def test_reading_ends_behind_the_last_checksum_and_leaves_the_end_of_the_archive() -> None:
    data = archive([512], block("Ref:5/00000000", SECTOR))
    assert read(data + bytes(1024) + b"anything")[1] == len(data)


def test_without_disks_reading_ends_behind_the_description() -> None:
    data = archive([])
    assert read(data + bytes(1024)) == ([], len(data))


def test_disks_come_in_the_order_of_their_references_as_text() -> None:
    # The sixth disk of six is `Ref:10`, which as text is the first.
    names = ["Ref:10", *(f"Ref:{number}" for number in range(5, 10))]
    data = archive([512] * 6, *(block(f"{name}/00000000", SECTOR) for name in names))
    assert [each.disk for each in read(data)[0]] == names
    wrong = archive([512] * 6, *(block(f"{name}/00000000", SECTOR) for name in sorted(names, reverse=True)))
    assert failure(wrong) == ("IMPORT_ERROR", INVALID)


def test_both_kinds_of_checksum_are_checked() -> None:
    good = [block("Ref:5/00000000", SECTOR, "checksum"), block("Ref:5/00000001", SECTOR, "xxhash")]
    assert len(read(archive([1024], *good))[0]) == 2
    sha = archive([512], [("Ref:5/00000000", b"a".ljust(512, b"\0")), ("Ref:5/00000000.checksum", b"0" * 40)])
    assert failure(sha)[1].startswith('INTERNAL_ERROR: [ Stream_vdi.Invalid_checksum("Block Ref:5/00000000 checksum')
    lower = [("Ref:5/00000000", SECTOR), ("Ref:5/00000000.xxhash", checksum_of("xxhash", SECTOR).lower())]
    assert "Invalid_checksum" in failure(archive([512], lower))[1]


def test_force_takes_a_block_with_a_wrong_checksum() -> None:
    data = archive([512], [("Ref:5/00000000", SECTOR), ("Ref:5/00000000.xxhash", b"0" * 16)])
    assert read(data, force=True)[0] == [DiskBlock("Ref:5", 0, 0, SECTOR)]


def test_a_checksum_of_another_kind_or_block_is_a_failure() -> None:
    other = archive([512], [("Ref:5/00000000", SECTOR), ("Ref:5/00000000.md5", b"x")])
    message = "Found unsupported checksum file: Ref:5/00000000.md5"
    assert failure(other) == ("IMPORT_ERROR", f'INTERNAL_ERROR: [ Stream_vdi.Failure("{message}") ]')
    foreign = archive([512], [("Ref:5/00000000", SECTOR), ("Ref:6/0.xxhash", checksum_of("xxhash", SECTOR))])
    assert failure(foreign) == ("IMPORT_ERROR", "INTERNAL_ERROR: [ Not_found ]")


def test_a_gap_stands_for_zeros_as_long_as_the_first_block_of_the_import() -> None:
    data = archive([2048], block("Ref:5/00000000", SECTOR), block("Ref:5/00000003", OTHER))
    assert read(data)[0][1] == DiskBlock("Ref:5", 1536, 1024, OTHER)


def test_the_first_block_of_the_import_is_not_that_of_each_disk() -> None:
    # The second disk has blocks of 1024 bytes, but its gap counts 512.
    data = archive([512, 2560], block("Ref:5/00000000", SECTOR), block("Ref:6/00000000", SECTOR * 2),
                   block("Ref:6/00000002", OTHER * 2))  # fmt: skip
    assert read(data)[0][2] == DiskBlock("Ref:6", 1536, 512, OTHER * 2)


def test_an_empty_block_uses_up_a_number_and_no_byte() -> None:
    data = archive(
        [1024], block("Ref:5/00000000", SECTOR), block("Ref:5/00000001", b""), block("Ref:5/00000002", OTHER)
    )
    assert read(data)[0][2] == DiskBlock("Ref:5", 512, 0, OTHER)


def test_a_missing_first_block_is_zeros() -> None:
    assert read(archive([1024], block("Ref:5/00000001", OTHER)))[0] == [DiskBlock("Ref:5", 512, 512, OTHER)]


@pytest.mark.parametrize(("before", "after"), [("00000001", "00000001"), ("00000001", "00000000"), ("9", "10")])
def test_numbers_must_rise_as_text(before: str, after: str) -> None:
    data = archive([8192], block(f"Ref:5/{before}", SECTOR), block(f"Ref:5/{after}", OTHER))
    assert failure(data) == ("IMPORT_ERROR", INVALID)


def test_a_name_without_a_number_is_a_failure() -> None:
    assert failure(archive([512], block("Ref:5/x", SECTOR)))[1] == 'INTERNAL_ERROR: [ Failure("int_of_string") ]'


def test_the_first_member_must_be_ova_xml() -> None:
    out = io.BytesIO()
    write_member(out, "./ova.xml", b"")
    assert failure(out.getvalue()) == ("IMPORT_ERROR_UNEXPECTED_FILE", "ova.xml", "./ova.xml")


def test_an_archive_that_ends_before_its_disks_is_a_failure() -> None:
    data = archive([1024], block("Ref:5/00000000", SECTOR)) + bytes(1024)
    assert failure(data) == ("IMPORT_ERROR", "INTERNAL_ERROR: [ Tar.Header.End_of_stream ]")


def test_one_block_of_zeros_is_passed_over() -> None:
    data = archive([1024], block("Ref:5/00000000", SECTOR))
    rest = io.BytesIO()
    for name, body in block("Ref:5/00000001", OTHER):
        write_member(rest, name, body)
    assert len(read(data + bytes(512) + rest.getvalue())[0]) == 2


def test_a_disk_of_parts_of_a_sector_cannot_be_read() -> None:
    assert failure(archive([100], block("Ref:5/00000000", b"x" * 100)))[0] == "IMPORT_ERROR"


def test_an_object_that_ova_xml_names_and_has_not_is_told() -> None:
    broken = describe("web", [512])[0].replace(b"<name>SR</name><value>Ref:2", b"<name>SR</name><value>Ref:99")
    out = io.BytesIO()
    write_member(out, "ova.xml", broken)
    assert failure(out.getvalue()) == ("IMPORT_ERROR_FAILED_TO_FIND_OBJECT", "Ref:99")


def test_what_is_not_a_description_is_a_failure() -> None:
    out = io.BytesIO()
    write_member(out, "ova.xml", b"<html>")
    assert failure(out.getvalue())[1].startswith("INTERNAL_ERROR: [ ova.xml: ")


def test_disks_for_cds_are_not_streamed() -> None:
    iso = describe("web", [512])[0].replace(
        b"<name>content_type</name><value>user", b"<name>content_type</name><value>iso"
    )
    drive = describe("web", [512])[0].replace(b"<name>type</name><value>Disk", b"<name>type</name><value>CD")
    for xml in (iso, drive):
        out = io.BytesIO()
        write_member(out, "ova.xml", xml)
        assert read(out.getvalue())[0] == []
