"""Metadata files on the disk: whole, with their modes, and never through a link."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from dcdist.disk.metadata_files import is_in_place, write_metadata
from dcdist.errors import DiskError
from dcdist.model.release import MetadataFile

if TYPE_CHECKING:
    from pathlib import Path


def test_metadata_lands_in_its_folder_and_replaces_what_was_there(tmp_path: Path) -> None:
    folder = tmp_path / "images"
    write_metadata(folder, MetadataFile("start-order.json", b"old"))
    write_metadata(folder, MetadataFile("start-order.json", b"new"))
    write_metadata(folder, MetadataFile("scripts/first/run.sh", b"#!"))
    assert (folder / "metadata/start-order.json").read_bytes() == b"new"
    assert (folder / "metadata/scripts/first/run.sh").read_bytes() == b"#!"
    assert sorted(os.listdir(folder / "metadata")) == ["scripts", "start-order.json"]


@pytest.mark.parametrize("path", ["", "/etc/x", "../x", "a/../../x", "a//b", "./a", "a/", "a\0b"])
def test_metadata_paths_that_leave_the_folder_are_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(DiskError, match="not inside"):
        write_metadata(tmp_path, MetadataFile(path, b"x"))
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("link", ["metadata", "metadata/scripts"])
def test_metadata_follows_no_symbolic_link_out_of_the_folder(tmp_path: Path, link: str) -> None:
    outside, folder = tmp_path / "outside", tmp_path / "images"
    outside.mkdir()
    (folder / link).parent.mkdir(parents=True)
    (folder / link).symlink_to(outside)
    with pytest.raises(DiskError):
        write_metadata(folder, MetadataFile("scripts/run.sh", b"x"))
    assert os.listdir(outside) == []


def test_a_link_in_place_of_a_metadata_file_is_replaced(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    (tmp_path / "metadata").mkdir()
    (tmp_path / "metadata/a").symlink_to(victim)
    assert not is_in_place(tmp_path, "metadata/a", MetadataFile("a", b"precious"))
    write_metadata(tmp_path, MetadataFile("a", b"own"))
    assert victim.read_bytes() == b"precious"
    assert (tmp_path / "metadata/a").read_bytes() == b"own"


def test_metadata_is_executable_if_it_is_said_to_be_and_the_umask_applies(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    before = os.umask(0o022)
    try:
        write_metadata(tmp_path, MetadataFile("run.sh", b"#!", executable=True))
        write_metadata(tmp_path, MetadataFile("scripts/run.sh", b"#!", executable=True))
        write_metadata(tmp_path, MetadataFile("order.json", b"[]"))
        os.umask(0o077)
        write_metadata(tmp_path, MetadataFile("own.sh", b"#!", executable=True))
    finally:
        os.umask(before)
    files = [path for path in (tmp_path / "metadata").rglob("*") if path.is_file()]
    modes = {path.relative_to(tmp_path / "metadata").as_posix(): stat.S_IMODE(path.stat().st_mode) for path in files}
    assert modes == {"run.sh": 0o755, "scripts/run.sh": 0o755, "order.json": 0o644, "own.sh": 0o700}


def test_a_file_that_is_replaced_gets_the_mode_of_the_new_one(tmp_path: Path) -> None:
    write_metadata(tmp_path, MetadataFile("run.sh", b"#!", executable=True))
    write_metadata(tmp_path, MetadataFile("run.sh", b""))
    assert not os.access(tmp_path / "metadata" / "run.sh", os.X_OK)


def test_a_file_of_the_same_bytes_is_in_place_if_it_may_be_run_as_it_should(tmp_path: Path) -> None:
    file = MetadataFile("run.sh", b"#!", executable=True)
    assert not is_in_place(tmp_path, "metadata/run.sh", file)
    write_metadata(tmp_path, file)
    assert is_in_place(tmp_path, "metadata/run.sh", file)
    assert not is_in_place(tmp_path, "metadata/run.sh", MetadataFile("run.sh", b"#!"))
    assert not is_in_place(tmp_path, "metadata/run.sh", MetadataFile("run.sh", b"#?", executable=True))
