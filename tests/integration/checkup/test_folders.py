"""Examines folders as they are on real file systems; nothing stays in them."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import pytest

from dcdist.checkup.folder_checks import look_at
from dcdist.errors import DiskError
from tests.support.file_systems import make_file_system, make_read_only, mounted

if TYPE_CHECKING:
    from pathlib import Path

MIB = 1 << 20


def test_a_folder_is_tried_and_left_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "layers").mkdir()
    seen = look_at(tmp_path)

    assert (seen.exists, seen.lacks, seen.not_sparse) == (True, (), False)
    assert seen.written in {8 * MIB, 64 * MIB}
    assert seen.file_system == tmp_path.stat().st_dev
    assert [path.name for path in tmp_path.iterdir()] == ["layers"]


def test_a_folder_that_does_not_exist_is_not_made(tmp_path: Path) -> None:
    assert not look_at(tmp_path / "a" / "b").exists
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_way_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(DiskError, match=re.escape(f"cannot write in {tmp_path}/file/cache: a part of the path is not")):
        look_at(tmp_path / "file" / "cache")


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
def test_a_small_or_read_only_file_system_is_said(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    make_file_system(tmp_path / "file", 64 * MIB)
    with mounted(tmp_path / "file", tmp_path / "disk"):
        seen = look_at(tmp_path / "disk")
        assert seen.written == 0
        assert seen.free < 64 * MIB
        make_read_only(tmp_path / "disk")
        with pytest.raises(DiskError, match="the file system is read-only; choose another folder"):
            look_at(tmp_path / "disk" / "cache")
