"""One fetch at a time writes to a destination; the next one waits, knows for whom, and not for ever."""

from __future__ import annotations

import asyncio
import os
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
    from pathlib import Path

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


async def test_a_destination_that_is_a_link_to_nowhere_is_a_plain_error(tmp_path: Path, threads: Threads) -> None:
    (tmp_path / "images").symlink_to(tmp_path / "nowhere")
    lock = DestinationLock(tmp_path / "images", threads)
    with pytest.raises(DiskError, match="cannot write to"):
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
