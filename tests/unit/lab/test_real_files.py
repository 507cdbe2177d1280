"""Disks of real files: whole blocks, and changes in place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tools.lab.real_files import change_disk, real_files, write_disk

if TYPE_CHECKING:
    from pathlib import Path

MIB = 1 << 20


def test_each_file_begins_at_a_block(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    assert write_disk(disk, iter([b"a" * 5000, b"b"]), MIB) == 12288
    content = disk.read_bytes()
    assert (len(content), content[:5000], content[8192:8194]) == (MIB, b"a" * 5000, b"b\0")


def test_half_of_a_disk_is_filled(tmp_path: Path) -> None:
    assert write_disk(tmp_path / "disk", iter([b"x" * 4096] * 1000), MIB) == MIB // 2


def test_a_change_overwrites_blocks_and_adds_after_them(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    filled = write_disk(disk, iter([b"x" * 4096] * 4), 16 * MIB)
    change_disk(disk, iter([b"new"] * 2), filled, more=4096, every=2)
    content = disk.read_bytes()
    assert [content[block * 4096 : block * 4096 + 3] for block in range(6)] == [
        b"cha", b"xxx", b"cha", b"xxx", b"new", b"\0\0\0",
    ]  # fmt: skip
    assert len(content) == 16 * MIB


def test_a_disk_without_room_is_not_changed(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    filled = write_disk(disk, iter([b"x"]), MIB)
    with pytest.raises(ValueError, match="no room"):
        change_disk(disk, iter([b"new"]), filled, more=4096, every=2)


def test_this_machine_has_files_to_read() -> None:
    files = real_files()
    assert next(files) != next(files)
