"""Another user plants a link where root writes a log or a trace: nothing but the file that root named is written."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from dcdist.output_file import open_output
from tests.support.commands import dcdist
from tests.support.other_user import NOBODY, needs_another_user

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.commands import Demo

VICTIM = b"what only root may change\n"
OUTPUTS = ["--log-file", "--trace"]


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    """A folder that everybody may write to, as /tmp without its sticky bit."""
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(0o777)
    return folder


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    file = tmp_path / "victim"
    file.write_bytes(VICTIM)
    return file


def symbolic(victim: Path, place: Path) -> Path:
    place.symlink_to(victim)
    os.lchown(place, NOBODY, NOBODY)
    return place


def symbolic_of_root(victim: Path, place: Path) -> Path:
    """Root's own link, which others may have moved or linked to that place."""
    place.symlink_to(victim)
    return place


def hard(victim: Path, place: Path) -> Path:
    place.hardlink_to(victim)
    return place


def through_a_folder(victim: Path, place: Path) -> Path:
    way = place.parent / "way"
    way.symlink_to(victim.parent)
    os.lchown(way, NOBODY, NOBODY)
    return way / victim.name


@needs_another_user
@pytest.mark.parametrize("plant", [symbolic, symbolic_of_root, hard, through_a_folder])
@pytest.mark.parametrize("option", OUTPUTS)
def test_a_planted_link_is_refused_and_its_target_stays(
    demo: Demo, tmp_path: Path, shared: Path, victim: Path, plant: Callable[[Path, Path], Path], option: str
) -> None:
    done = dcdist(*demo.fetch("web@1", tmp_path / "host", option, plant(victim, shared / "run.log")))
    assert victim.read_bytes() == VICTIM
    assert done.last("error")["exit_code"] == 6, done
    assert "link" in done.records[-1]["message"]


@needs_another_user
@pytest.mark.parametrize("option", OUTPUTS)
def test_a_file_of_another_user_is_not_written_to(demo: Demo, tmp_path: Path, shared: Path, option: str) -> None:
    theirs = shared / "run.log"
    theirs.write_bytes(VICTIM)
    os.chown(theirs, NOBODY, NOBODY)
    done = dcdist(*demo.fetch("web@1", tmp_path / "host", option, theirs))
    assert (theirs.read_bytes(), done.records[-1]["exit_code"]) == (VICTIM, 6)
    assert "it belongs to another user (user id 65534)" in done.records[-1]["message"]


@needs_another_user
def test_a_planted_link_in_place_of_the_log_of_a_seeder_is_not_followed_and_told(
    demo: Demo, tmp_path: Path, victim: Path
) -> None:
    cache = tmp_path / "host" / "cache"
    cache.mkdir(parents=True)
    (cache / "seeding.log").symlink_to(victim)
    os.lchown(cache / "seeding.log", NOBODY, NOBODY)
    options = ("--listen", "127.0.0.1:0", "--seed-for", "1s")
    done = dcdist(*demo.fetch("web@1", tmp_path / "host", *options))
    assert (done.code, victim.read_bytes()) == (0, VICTIM)
    notes = [record["message"] for record in done.records if record["event"] == "troubled"]
    assert any(f"nothing is written to the log {cache}/seeding.log: " in note for note in notes), notes


def test_what_is_written_only_its_owner_may_read_whatever_the_umask(demo: Demo, tmp_path: Path) -> None:
    log, trace, host = tmp_path / "run.log", tmp_path / "run.trace", tmp_path / "host"
    before = os.umask(0)
    try:
        options = ("--listen", "127.0.0.1:0", "--seed-for", "1s", "--log-file", log, "--trace", trace)
        # What Python would compile, it would leave open to all.
        done = dcdist(*demo.fetch("web@1", host, *options), environment={"PYTHONDONTWRITEBYTECODE": "1"})
    finally:
        os.umask(before)
    assert done.code == 0, done
    files = (log, trace, host / "cache" / "seeding.log")
    assert {file.name: stat.S_IMODE(file.stat().st_mode) for file in files} == dict.fromkeys(
        ("run.log", "run.trace", "seeding.log"), 0o600
    )


def test_a_link_of_ones_own_in_a_folder_of_ones_own_is_followed(tmp_path: Path) -> None:
    """As where /var/log is elsewhere, and as /dev/stderr."""
    (tmp_path / "real").mkdir()
    (tmp_path / "logs").symlink_to("real")
    (tmp_path / "real" / "run.log").write_bytes(b"one\n")
    (tmp_path / "real" / "latest").symlink_to("run.log")
    descriptor = open_output(tmp_path / "logs" / "latest")
    os.write(descriptor, b"two\n")
    os.close(descriptor)
    assert (tmp_path / "real" / "run.log").read_bytes() == b"one\ntwo\n"
