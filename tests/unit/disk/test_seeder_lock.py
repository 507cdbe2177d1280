"""The lock of the one seeder of a cache."""

from __future__ import annotations

import errno
import fcntl
import os
from typing import TYPE_CHECKING

import pytest

from dcdist.disk import seeder_lock
from dcdist.disk.durable import remove_file
from dcdist.disk.seeder_lock import LockHolder, SeederLock
from dcdist.errors import DiskError
from tests.support.processes import python_child

if TYPE_CHECKING:
    from pathlib import Path

HOLD = (
    "import sys; from pathlib import Path; from dcdist.disk.seeder_lock import SeederLock\n"
    "assert SeederLock(Path(sys.argv[1])).take(6881); print('ready', flush=True); sys.stdin.read()"
)


def test_one_holds_it_and_the_others_see_who(tmp_path: Path) -> None:
    first, second = SeederLock(tmp_path), SeederLock(tmp_path)

    assert first.holder() is None
    assert first.take(6881)
    assert (first.held, second.take(6882), second.held) == (True, False, False)
    assert second.holder() == LockHolder(os.getpid(), 6881)
    first.release()
    assert second.holder() is None
    assert second.take(6882)
    second.release()


def test_it_ends_with_its_process_however_that_ends(tmp_path: Path) -> None:
    ours = SeederLock(tmp_path)
    with python_child(HOLD, str(tmp_path)) as child:
        assert ours.holder() == LockHolder(child.pid, 6881)
        assert not ours.take(6882)

    assert ours.holder() is None
    assert ours.take(6882)
    ours.release()


def test_the_holder_hears_who_asks_and_a_new_holder_is_not_asked_for_what_the_old_one_was(tmp_path: Path) -> None:
    first, second = SeederLock(tmp_path), SeederLock(tmp_path)
    first.take(6881)
    assert first.successor() is None

    second.ask()
    assert first.successor() == os.getpid()
    first.release()
    assert second.take(6881)
    assert second.successor() is None
    second.release()


def test_a_question_of_which_nothing_is_written_yet_is_none(tmp_path: Path) -> None:
    lock = SeederLock(tmp_path)
    lock.take(6881)
    (tmp_path / "seeder.next").write_bytes(b"")
    assert lock.successor() is None
    (tmp_path / "seeder.next").write_bytes(b"17\n")
    assert lock.successor() == 17
    lock.release()


def test_a_question_can_be_withdrawn(tmp_path: Path) -> None:
    lock = SeederLock(tmp_path)
    lock.ask()
    lock.withdraw()
    assert lock.successor() is None


@pytest.mark.parametrize("written", [b"", b"x y z", b"12", b"\xff\n"])
def test_a_holder_that_has_not_said_who_it_is_still_holds_it(tmp_path: Path, written: bytes) -> None:
    lock = SeederLock(tmp_path)
    lock.take(6881)
    (tmp_path / "seeder.lock").write_bytes(written)

    assert SeederLock(tmp_path).holder() == LockHolder(12 if written == b"12" else 0, 0)
    lock.release()


def test_a_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "seeder.lock").symlink_to(tmp_path / "precious")
    with pytest.raises(DiskError, match="symbolic link"):
        SeederLock(tmp_path).take(6881)
    assert not (tmp_path / "precious").exists()


def test_a_lock_whose_file_was_removed_is_taken_again(tmp_path: Path) -> None:
    first, second = SeederLock(tmp_path), SeederLock(tmp_path)
    first.take(6881)
    assert first.keep(6881)
    (tmp_path / "seeder.lock").unlink()  # rm -rf CACHE/*
    assert second.holder() is None

    assert first.keep(6881)
    assert second.holder() == LockHolder(os.getpid(), 6881)
    assert not second.take(6882)
    first.release()


def test_a_lock_whose_file_was_removed_is_lost_to_one_that_took_the_new_one(tmp_path: Path) -> None:
    first, second = SeederLock(tmp_path), SeederLock(tmp_path)
    first.take(6881)
    (tmp_path / "seeder.lock").unlink()
    assert second.take(6882)

    assert (first.keep(6881), first.held) == (False, False)
    assert second.keep(6882)
    second.release()


def test_a_file_that_is_removed_as_it_is_locked_is_not_the_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flock = fcntl.flock

    def remove_then_lock(descriptor: int, kind: int) -> None:
        monkeypatch.undo()
        (tmp_path / "seeder.lock").unlink()
        flock(descriptor, kind)

    monkeypatch.setattr(fcntl, "flock", remove_then_lock)
    lock = SeederLock(tmp_path)
    assert (lock.take(6881), lock.held) == (False, False)
    assert lock.take(6881)
    lock.release()


@pytest.mark.parametrize("folder", [0o755, 0o700])
@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_both_files_are_of_this_user_alone_whatever_the_umask(tmp_path: Path, folder: int, umask: int) -> None:
    tmp_path.chmod(folder)
    before = os.umask(umask)
    try:
        lock = SeederLock(tmp_path)
        lock.take(6881)
        lock.ask()
    finally:
        os.umask(before)
    lock.release()

    for name in ("seeder.lock", "seeder.next"):
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600


def test_a_file_that_is_there_already_is_given_to_nobody(tmp_path: Path) -> None:
    """A link in the folder could be to what is another user's."""
    (tmp_path / "precious").touch(0o600)
    (tmp_path / "seeder.next").hardlink_to(tmp_path / "precious")
    SeederLock(tmp_path).ask()
    assert (tmp_path / "precious").stat().st_mode & 0o777 == 0o600


def test_a_question_that_may_not_be_read_is_one_and_need_not_be_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = SeederLock(tmp_path)
    lock.ask()
    refuse_next(monkeypatch)

    assert lock.successor() == 0
    lock.ask()


def test_who_may_not_ask_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_next(monkeypatch)
    with pytest.raises(DiskError, match="has no permission"):
        SeederLock(tmp_path).ask()


def refuse_next(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody open `seeder.next`, as for a user that is not its owner (root may open everything)."""
    opened = os.open

    def refusing(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if path == "seeder.next":
            raise PermissionError(errno.EACCES, "Permission denied")
        return opened(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", refusing)


def test_who_sees_the_port_of_a_holder_may_ask_and_is_heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The questions of before are void first, and then the port is shown: none that comes after is lost."""
    seen: list[LockHolder | None] = []

    def removed(folder: int, name: str) -> bool:
        seen.append(SeederLock(tmp_path).holder())
        return remove_file(folder, name)

    monkeypatch.setattr(seeder_lock, "remove_file", removed)
    lock = SeederLock(tmp_path)
    assert lock.take(6881)
    lock.release()
    assert seen == [LockHolder(os.getpid(), 0)]
