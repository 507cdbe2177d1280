"""The way to a folder: who could put another one in its place. As this user alone; attacks are in `tests/attack`."""

from __future__ import annotations

import os
import shlex
import stat
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from dcdist.disk.exposure import Exposure, exposure_of
from dcdist.disk.private_folder import make_folders, make_private_folder, private_folder
from dcdist.errors import DiskError

if TYPE_CHECKING:
    from pathlib import Path


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_way_ends_where_nothing_exists_yet(tmp_path: Path) -> None:
    assert exposure_of(tmp_path / "a" / "b") is None
    tmp_path.chmod(0o777)
    exposure = exposure_of(tmp_path / "a" / "b")
    assert exposure is not None
    assert (exposure.place, exposure.remedy) == (tmp_path, f"chmod go-w {tmp_path}")


def test_links_lead_on_and_a_circle_of_them_ends(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real").chmod(0o777)
    (tmp_path / "one").symlink_to("two")
    (tmp_path / "two").symlink_to(tmp_path / "real" / ".." / "real")
    exposure = exposure_of(tmp_path / "one")
    assert exposure is not None
    assert exposure.place == tmp_path / "real"
    (tmp_path / "circle").symlink_to("circle")
    assert exposure_of(tmp_path / "circle" / "x") is None
    with pytest.raises(OSError, match="symbolic links"), private_folder(tmp_path / "circle"):
        pass


def test_a_sticky_folder_may_lead_to_a_private_one_and_is_none_itself(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)
    assert exposure_of(tmp_path / "cache") is None
    exposure = exposure_of(tmp_path)
    assert exposure is not None
    assert exposure.remedy == f"use a folder in it, such as {tmp_path}/dcdist"


def test_the_home_of_another_user_stays_that_users(tmp_path: Path) -> None:
    status = tmp_path.stat()
    exposure = Exposure(tmp_path, "it belongs to user alice (1000)", owned=True, is_last=False)
    assert (exposure.command(), exposure.remedy) == ("", "use another folder, or run dcdist as its owner")
    itself = replace(exposure, is_last=True)
    assert itself.command(with_content=True) == f"chown -hR {status.st_uid} {tmp_path}"
    assert itself.remedy == f"chown -h {status.st_uid} {tmp_path}"


def test_one_command_is_enough_for_a_cache_made_with_umask_002(tmp_path: Path) -> None:
    layer = tmp_path / "cache" / "layers" / "one"
    layer.mkdir(parents=True)
    for each in (layer, layer.parent, layer.parent.parent):
        each.chmod(0o777)
    with pytest.raises(DiskError) as refused:
        make_private_folder(tmp_path / "cache")
    subprocess.run(shlex.split(str(refused.value).split("there now: ")[1].split(";")[0]), check=True)
    assert make_private_folder(tmp_path / "cache") != ""
    assert make_private_folder(layer) == ""


def test_a_private_folder_is_made_whatever_the_umask_and_what_leads_to_it_may_be_read(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        assert make_private_folder(tmp_path / "a" / "b" / "cache") == ""
    finally:
        os.umask(before)
    assert [mode(tmp_path / each) for each in ("a", "a/b", "a/b/cache")] == [0o755, 0o755, 0o700]
    assert make_folders(tmp_path / "a" / "b") == []


def test_an_empty_folder_is_closed_without_a_word_and_a_full_one_with_one(tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir(0o755)
    assert make_private_folder(tmp_path / "cache") == ""
    assert mode(tmp_path / "cache") == 0o700
    (tmp_path / "cache" / "layers").mkdir()
    (tmp_path / "cache").chmod(0o2755)
    assert "its mode is 2700 now, instead of 2755" in make_private_folder(tmp_path / "cache")
    assert make_private_folder(tmp_path / "cache") == ""


def test_where_modes_cannot_be_changed_that_is_told_and_the_folder_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(descriptor: int, mode: int) -> None:
        raise PermissionError

    (tmp_path / "cache" / "layers").mkdir(parents=True)
    monkeypatch.setattr(os, "fchmod", refused)
    told = make_private_folder(tmp_path / "cache")
    assert told.startswith(f"other users may read {tmp_path}/cache (mode 0755), and its file system does not let")


def test_a_folder_that_others_may_write_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "my cache").mkdir()
    (tmp_path / "my cache").chmod(0o777)
    with pytest.raises(DiskError, match=r"if you trust what is there now: chmod -R go-w .*my cache.; else use another"):
        make_private_folder(tmp_path / "my cache")
