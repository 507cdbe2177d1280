"""One seeder for one cache: who asks, who gives way, and what happens when it does not."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import pytest

from dcdist.disk.seeder_lock import SeederLock
from dcdist.engine.fetch_events import GaveWay, TookOver, Troubled
from dcdist.node.succession import Succession

if TYPE_CHECKING:
    from pathlib import Path

    from dcdist.engine.fetch_events import FetchEvent

PID = os.getpid()


class Seeder:
    """A seeder of the cache; `port` is where it listens."""

    def __init__(self, cache: Path, port: int, *, patience: float = 60.0) -> None:
        self.events: list[FetchEvent] = []
        self.stop = asyncio.Event()
        self._cache, self._port, self._patience = cache, port, patience

    async def run(self) -> None:
        with Succession(self._cache, report=self.events.append, patience=self._patience) as place:
            await place.hold(self._port, self.stop)

    async def free_port(self) -> None:
        with Succession(self._cache, report=self.events.append, patience=self._patience) as place:
            await place.free(self._port)


async def _holds(cache: Path, port: int) -> None:
    """Wait until the seeder on `port` holds the place."""
    lock = SeederLock(cache)
    while (holder := lock.holder()) is None or holder.port != port:
        await asyncio.sleep(0.01)


async def test_the_next_seeder_takes_the_place_of_the_last_one(tmp_path: Path) -> None:
    seeders = [Seeder(tmp_path, port) for port in (1, 2, 3)]
    async with asyncio.TaskGroup() as group:
        for seeder, port in zip(seeders, (1, 2, 3), strict=True):
            group.create_task(seeder.run())
            await _holds(tmp_path, port)
        seeders[-1].stop.set()

    assert [seeder.events for seeder in seeders] == [[GaveWay(PID)], [TookOver(PID), GaveWay(PID)], [TookOver(PID)]]
    assert SeederLock(tmp_path).holder() is None


async def test_of_many_that_begin_at_once_one_is_left(tmp_path: Path) -> None:
    seeders = [Seeder(tmp_path, port) for port in range(1, 6)]
    tasks = [asyncio.create_task(seeder.run()) for seeder in seeders]
    while len([task for task in tasks if task.done()]) < 4:
        await asyncio.sleep(0.01)
    (left,) = [seeder for seeder, task in zip(seeders, tasks, strict=True) if not task.done()]
    left.stop.set()
    await asyncio.gather(*tasks)

    assert GaveWay(PID) not in left.events
    assert [GaveWay(PID) in seeder.events for seeder in seeders].count(True) == 4


async def test_who_needs_the_port_gets_it_before_it_listens(tmp_path: Path) -> None:
    first, second = Seeder(tmp_path, 6881), Seeder(tmp_path, 6881)
    seeding = asyncio.create_task(first.run())
    await _holds(tmp_path, 6881)
    await second.free_port()
    await seeding

    assert (first.events, second.events) == ([GaveWay(PID)], [TookOver(PID)])
    assert not (tmp_path / "seeder.next").exists()


async def test_a_seeder_on_another_port_goes_on_while_the_next_fetch_works(tmp_path: Path) -> None:
    first, second = Seeder(tmp_path, 6881), Seeder(tmp_path, 6882)
    seeding = asyncio.create_task(first.run())
    await _holds(tmp_path, 6881)
    await second.free_port()
    assert (first.events, second.events) == ([], [])

    first.stop.set()
    await seeding


async def test_one_that_does_not_end_is_named_and_the_next_goes_on_without_it(tmp_path: Path) -> None:
    stuck = SeederLock(tmp_path)
    stuck.take(6881)
    needs_port, next_seeder = Seeder(tmp_path, 6881, patience=0.0), Seeder(tmp_path, 6882, patience=0.0)

    await needs_port.free_port()
    seeding = asyncio.create_task(next_seeder.run())
    while not next_seeder.events:
        await asyncio.sleep(0.01)
    stuck.release()  # it wakes up after all
    await _holds(tmp_path, 6882)
    next_seeder.stop.set()
    await seeding

    for told in (*needs_port.events, next_seeder.events[0]):
        assert isinstance(told, Troubled)
        assert f"to end it: kill {PID}" in told.message
        assert "port 6881" in told.message
    assert next_seeder.events[1:] == [TookOver(PID)]


async def test_without_a_cache_folder_there_is_nobody_to_ask(tmp_path: Path) -> None:
    alone = Seeder(tmp_path / "none", 6881)
    await alone.free_port()
    assert alone.events == []


async def test_a_lock_that_cannot_be_taken_is_told_and_ends_nothing(tmp_path: Path) -> None:
    (tmp_path / "seeder.lock").mkdir()
    seeder = Seeder(tmp_path, 6881)
    seeding = asyncio.create_task(seeder.run())
    while not seeder.events:
        await asyncio.sleep(0.01)
    seeder.stop.set()
    await seeding

    (told,) = seeder.events
    assert isinstance(told, Troubled)
    assert "another process may seed from the same cache" in told.message


async def test_after_a_look_that_failed_the_holder_looks_on_and_gives_way(tmp_path: Path) -> None:
    (tmp_path / "seeder.next").symlink_to("nowhere")  # taking the lock removes it; then it comes back
    seeder, lock = Seeder(tmp_path, 6881), SeederLock(tmp_path)
    seeding = asyncio.create_task(seeder.run())
    await _holds(tmp_path, 6881)
    while lock.successor() is not None:
        await asyncio.sleep(0.01)
    (tmp_path / "seeder.next").symlink_to("nowhere")
    while not seeder.events:
        await asyncio.sleep(0.01)
    (tmp_path / "seeder.next").unlink()
    lock.ask()
    await seeding

    told, gave_way = seeder.events
    assert isinstance(told, Troubled)
    assert gave_way == GaveWay(PID)


async def test_a_lock_that_cannot_be_taken_at_first_is_taken_later(tmp_path: Path) -> None:
    (tmp_path / "seeder.lock").mkdir()
    seeder = Seeder(tmp_path, 6881)
    seeding = asyncio.create_task(seeder.run())
    while not seeder.events:
        await asyncio.sleep(0.01)
    (tmp_path / "seeder.lock").rmdir()
    await _holds(tmp_path, 6881)
    seeder.stop.set()
    await seeding
    assert len(seeder.events) == 1


async def test_a_holder_whose_cache_was_emptied_can_be_asked_again(tmp_path: Path) -> None:
    seeder, lock = Seeder(tmp_path, 6881), SeederLock(tmp_path)
    seeding = asyncio.create_task(seeder.run())
    await _holds(tmp_path, 6881)
    (tmp_path / "seeder.lock").unlink()
    await _holds(tmp_path, 6881)
    lock.ask()
    await seeding
    assert seeder.events == [GaveWay(PID)]


async def test_a_holder_whose_cache_was_emptied_gives_way_to_one_that_holds_the_new_lock(tmp_path: Path) -> None:
    seeder, other = Seeder(tmp_path, 6881), SeederLock(tmp_path)
    seeding = asyncio.create_task(seeder.run())
    await _holds(tmp_path, 6881)
    (tmp_path / "seeder.lock").unlink()
    assert other.take(6882)
    await seeding
    assert seeder.events == [GaveWay(PID)]
    other.release()


@pytest.mark.parametrize("cancelled", [False, True], ids=["stopped", "cancelled"])
async def test_who_is_stopped_before_it_is_its_turn_asks_no_more(tmp_path: Path, *, cancelled: bool) -> None:
    stuck, seeder = SeederLock(tmp_path), Seeder(tmp_path, 6882)
    stuck.take(6881)
    seeding = asyncio.create_task(seeder.run())
    while stuck.successor() is None:
        await asyncio.sleep(0.01)
    if cancelled:
        seeding.cancel()
    else:
        seeder.stop.set()
    await asyncio.wait([seeding])

    assert stuck.successor() is None
    stuck.release()


async def test_who_needs_no_place_leaves_the_questions_of_others(tmp_path: Path) -> None:
    stuck, needs_nothing = SeederLock(tmp_path), Seeder(tmp_path, 6882)
    stuck.take(6881)
    stuck.ask()
    await needs_nothing.free_port()
    assert stuck.successor() == PID
    stuck.release()
