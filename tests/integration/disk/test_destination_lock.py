"""One fetch at a time writes to a destination; the next one waits, knows for whom, and not for ever."""

from __future__ import annotations

import asyncio
import fcntl
import itertools
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dcdist.disk import destination_lock
from dcdist.disk.destination_lock import DestinationLock
from dcdist.disk.threads import Threads
from dcdist.errors import CacheBusyError, DiskError
from dcdist.model.identity import ReleaseName
from tests.support.swarms import until

if TYPE_CHECKING:
    from collections.abc import Iterator

WEB, DB = ReleaseName("web", "1"), ReleaseName("db", "3")


@pytest.fixture
def threads() -> Iterator[Threads]:
    threads = Threads("test", count=2)
    yield threads
    threads.close()


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(destination_lock, "_POLL", 0.01)


async def test_the_second_waits_is_told_for_whom_and_goes_on(tmp_path: Path, threads: Threads) -> None:
    first, second = DestinationLock(tmp_path, threads), DestinationLock(tmp_path, threads)
    told: list[str] = []
    await first.acquire(WEB, waiting=told.append)
    waiting = asyncio.create_task(second.acquire(DB, waiting=told.append))
    await until(lambda: bool(told))
    holder = f"process {os.getpid()}, which fetches web@1,"
    assert told == [f"{holder} is writing to {tmp_path}; this fetch goes on when that one is done"]
    assert not waiting.done()
    await first.release()
    await waiting
    assert (tmp_path / ".dcdist-lock").read_text() == f"{os.getpid()} db@3\n"
    await second.release()
    assert os.listdir(tmp_path) == []


async def test_the_lock_of_a_process_that_died_is_taken_over(tmp_path: Path, threads: Threads) -> None:
    (tmp_path / ".dcdist-lock").write_text("1 web@1\n")
    lock = DestinationLock(tmp_path, threads)
    await lock.acquire(DB, waiting=lambda reason: pytest.fail(reason))
    await lock.release()
    await lock.release()


async def test_a_holder_without_a_sign_of_life_is_not_waited_for_for_ever(
    tmp_path: Path, threads: Threads, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(destination_lock, "_PATIENCE", 0.05)
    first, second = DestinationLock(tmp_path, threads), DestinationLock(tmp_path, threads)
    await first.acquire(WEB, waiting=print)
    with pytest.raises(CacheBusyError, match=rf"process {os.getpid()}.* end that process, or use another folder"):
        await second.acquire(DB, waiting=print)
    await first.release()
    await second.release()


async def test_a_holder_that_lives_is_waited_for_however_long_it_takes(
    tmp_path: Path, threads: Threads, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(destination_lock, "_SIGN_OF_LIFE", 0.01)
    lock = DestinationLock(tmp_path, threads)
    await lock.acquire(WEB, waiting=print)
    os.utime(tmp_path / ".dcdist-lock", ns=(0, 1))
    await until(lambda: (tmp_path / ".dcdist-lock").stat().st_mtime_ns > 1)
    await lock.release()


async def test_who_waits_can_be_cancelled(tmp_path: Path, threads: Threads) -> None:
    first, second = DestinationLock(tmp_path, threads), DestinationLock(tmp_path, threads)
    told: list[str] = []
    await first.acquire(WEB, waiting=print)
    waiting = asyncio.create_task(second.acquire(DB, waiting=told.append))
    await until(lambda: bool(told))
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await second.release()
    assert (tmp_path / ".dcdist-lock").exists()
    await first.release()


async def test_folders_that_were_made_for_nothing_are_removed_and_others_stay(tmp_path: Path, threads: Threads) -> None:
    deep = tmp_path / "a" / "b"
    for content in ([], ["something"]):
        lock = DestinationLock(deep, threads)
        await lock.acquire(WEB, waiting=print)
        for name in content:
            (deep / name).touch()
        await lock.release()
        assert deep.exists() is bool(content)


@pytest.mark.parametrize("below", ["", "deeper"])
async def test_a_destination_that_is_a_link_to_nowhere_is_a_plain_error(
    tmp_path: Path, threads: Threads, below: str
) -> None:
    (tmp_path / "images").symlink_to(tmp_path / "nowhere")
    lock = DestinationLock(tmp_path / "images" / below, threads)
    with pytest.raises(DiskError, match=r"cannot write to .*: No such file"):
        await lock.acquire(WEB, waiting=print)
    await lock.release()


async def test_a_lock_whose_note_says_nothing_is_held_all_the_same(tmp_path: Path, threads: Threads) -> None:
    first, second = DestinationLock(tmp_path, threads), DestinationLock(tmp_path, threads)
    told: list[str] = []
    await first.acquire(WEB, waiting=print)
    (tmp_path / ".dcdist-lock").write_bytes(b"\xff\x1b[31m")
    waiting = asyncio.create_task(second.acquire(DB, waiting=told.append))
    await until(lambda: bool(told))
    waiting.cancel()
    await asyncio.wait([waiting])
    await first.release()
    assert told[0].startswith("another fetch is writing to")


async def test_a_folder_in_which_no_file_can_be_created_is_told_and_not_tried_for_ever(
    tmp_path: Path, threads: Threads
) -> None:
    """As with a mount whose source was removed: the folder exists, and whatever is created in it does not."""
    (tmp_path / "source").mkdir()
    source = os.open(tmp_path / "source", os.O_RDONLY)
    (tmp_path / "source").rmdir()
    lock = DestinationLock(Path(f"/proc/self/fd/{source}"), threads)
    with pytest.raises(DiskError, match=r"gone at once, 10 times in a row.* choose another folder"):
        await lock.acquire(WEB, waiting=print)
    await lock.release()
    os.close(source)


async def test_trying_again_can_be_cancelled(tmp_path: Path, threads: Threads, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(destination_lock, "_POLL", 3600.0)
    tried = threading.Event()
    calls = itertools.count()

    def vanish(*_: object, **__: object) -> int:
        tried.set()
        raise FileNotFoundError if next(calls) < 1000 else PermissionError

    monkeypatch.setattr("dcdist.disk.destination_lock.os.open", vanish)
    lock = DestinationLock(tmp_path, threads)
    trying = asyncio.create_task(lock.acquire(WEB, waiting=print))
    await until(tried.is_set)
    trying.cancel()
    await asyncio.wait([trying])
    assert trying.cancelled()
    await lock.release()


async def test_only_the_file_that_is_locked_is_removed(tmp_path: Path, threads: Threads) -> None:
    first, second = DestinationLock(tmp_path, threads), DestinationLock(tmp_path, threads)
    await first.acquire(WEB, waiting=print)
    (tmp_path / ".dcdist-lock").unlink()  # somebody tidied up
    await second.acquire(DB, waiting=print)
    await first.release()
    assert (tmp_path / ".dcdist-lock").read_text() == f"{os.getpid()} db@3\n"
    await second.release()


async def test_a_lock_whose_file_was_removed_is_taken_again_with_the_next_sign_of_life(
    tmp_path: Path, threads: Threads, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(destination_lock, "_SIGN_OF_LIFE", 0.01)
    first, second = DestinationLock(tmp_path, threads), DestinationLock(tmp_path, threads)
    told: list[str] = []
    await first.acquire(WEB, waiting=print)
    (tmp_path / ".dcdist-lock").unlink()
    await until(lambda: is_held(tmp_path / ".dcdist-lock"))
    waiting = asyncio.create_task(second.acquire(DB, waiting=told.append))
    await until(lambda: bool(told))
    assert "which fetches web@1," in told[0]
    await first.release()
    await waiting
    await second.release()


async def test_signs_of_life_do_not_wait_for_what_is_slow_on_the_disk(
    tmp_path: Path, threads: Threads, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(destination_lock, "_SIGN_OF_LIFE", 0.01)
    lock = DestinationLock(tmp_path, threads)
    await lock.acquire(WEB, waiting=print)
    synced = threading.Event()
    syncing = [asyncio.create_task(threads.run(synced.wait)) for _ in range(2)]
    try:
        await asyncio.sleep(0)
        os.utime(tmp_path / ".dcdist-lock", ns=(0, 1))
        await until(lambda: (tmp_path / ".dcdist-lock").stat().st_mtime_ns > 1)
    finally:
        synced.set()
        await asyncio.gather(*syncing)
        await lock.release()


def is_held(path: Path) -> bool:
    """Whether there is a file, and somebody has locked it."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False
