"""The lock of the one seeder of a cache."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

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
