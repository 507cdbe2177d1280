"""Windows, flushes and the events: who waits for what."""

from __future__ import annotations

import asyncio

import pytest

from dcdist.errors import SwarmError
from dcdist.model.geometry import MIB
from dcdist.model.identity import LayerName
from dcdist.ports.pending_events import PendingEvents
from dcdist.ports.swarm import PieceFailed, PiecesPassed, SwarmBroke
from dcdist.swarm.byte_window import ByteWindow
from dcdist.swarm.flushes import Flushes
from dcdist.swarm.injection_limits import InjectionLimits

ONE, OTHER = LayerName("1" * 32), LayerName("2" * 32)


async def settled(count: int = 5) -> None:
    """Let all that can go on do so."""
    for _ in range(count):
        await asyncio.sleep(0)


async def test_a_window_lets_in_what_fits_and_then_waiting_callers() -> None:
    window = ByteWindow(10)
    await window.enter(6)
    await window.enter(4)
    waiting = [asyncio.ensure_future(window.enter(5)) for _ in range(2)]
    await settled()
    window.leave(4)
    await settled()
    assert [task.done() for task in waiting] == [False, False]
    window.leave(6)
    await settled()
    assert [task.done() for task in waiting] == [True, True]


async def test_what_is_larger_than_the_window_gets_in_alone() -> None:
    window = ByteWindow(10)
    await window.enter(30)
    waiting = asyncio.ensure_future(window.enter(1))
    await settled()
    assert not waiting.done()
    window.leave(30)
    await waiting


async def test_an_open_window_holds_no_caller() -> None:
    window = ByteWindow(10)
    await window.enter(10)
    waiting = asyncio.ensure_future(window.enter(10))
    await settled()
    window.open()
    await waiting
    await window.enter(10)


async def test_a_caller_that_gives_up_waiting_takes_no_room() -> None:
    limits = InjectionLimits()
    await limits.enter(8 * MIB)
    waiting = asyncio.ensure_future(limits.enter(8 * MIB))
    await settled()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    for _ in range(20):
        limits.checked(8 * MIB)
        limits.settled(8 * MIB)
        await limits.enter(8 * MIB)


async def test_checked_bytes_make_room_but_only_so_much_until_they_are_in_the_file() -> None:
    limits = InjectionLimits()
    for number in range(6):
        assert limits.flush_due == (number >= 2)
        await limits.enter(8 * MIB)
        limits.checked(8 * MIB)
    waiting = asyncio.ensure_future(limits.enter(8 * MIB))
    await settled()
    assert not waiting.done()
    limits.settled(8 * MIB)
    await waiting


async def test_wasted_bytes_are_counted_and_make_room() -> None:
    limits = InjectionLimits()
    await limits.enter(8 * MIB)
    limits.dropped(8 * MIB)
    await limits.enter(8 * MIB)
    assert limits.wasted == 8 * MIB


async def test_a_request_during_a_flush_is_answered_by_the_next() -> None:
    begun: list[int] = []
    flushes = Flushes(lambda: begun.append(1))
    first = asyncio.ensure_future(flushes.wait())
    await settled()
    second, third = asyncio.ensure_future(flushes.wait()), asyncio.ensure_future(flushes.wait())
    await settled()
    flushes.ended()
    await settled()
    assert ([task.done() for task in (first, second, third)], len(begun)) == ([True, False, False], 2)
    flushes.ended()
    await settled()
    assert ([task.done() for task in (second, third)], len(begun)) == ([True, True], 2)


async def test_the_end_of_a_flush_that_was_not_asked_for_answers_no_caller() -> None:
    flushes = Flushes(lambda: None)
    flushes.ended()
    waiting = asyncio.ensure_future(flushes.wait())
    await settled()
    assert not waiting.done()
    flushes.ended()
    await waiting


async def test_a_second_acknowledgement_is_not_counted_for_a_later_flush() -> None:
    flushes = Flushes(lambda: None)
    first = asyncio.ensure_future(flushes.wait())
    await settled()
    flushes.repeated()
    assert flushes.acknowledged()
    flushes.ended()
    await first
    second = asyncio.ensure_future(flushes.wait())
    await settled()
    assert not flushes.acknowledged()
    assert not second.done()
    assert flushes.acknowledged()
    flushes.ended()
    await second


async def test_a_failure_reaches_every_caller_that_waits_for_a_flush() -> None:
    flushes = Flushes(lambda: None)
    waiting = [asyncio.ensure_future(flushes.wait()) for _ in range(3)]
    await settled()
    waiting[0].cancel()
    await settled()
    flushes.fail(SwarmError("over"))
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [asyncio.CancelledError, SwarmError, SwarmError]


async def test_pieces_that_passed_are_reported_as_one_set_a_layer_and_after_failed_ones() -> None:
    events = PendingEvents()
    broke, failed = SwarmBroke(SwarmError("over")), PieceFailed(ONE, 3, injected=True)
    events.passed(ONE, 0b1)
    events.broke(broke)
    events.passed(OTHER, 0b1)
    events.passed(ONE, 0b1000)
    events.trouble(failed)
    assert list(await events.take()) == [failed, PiecesPassed(ONE, 0b1001), PiecesPassed(OTHER, 0b1), broke]


async def test_events_are_taken_once() -> None:
    events = PendingEvents()
    events.passed(ONE, 0b1)
    await events.take()
    waiting = asyncio.ensure_future(events.take())
    await settled()
    assert not waiting.done()
    events.passed(ONE, 0b10)
    assert list(await waiting) == [PiecesPassed(ONE, 0b10)]


async def test_closed_events_give_what_they_have_and_then_refuse() -> None:
    events = PendingEvents()
    events.passed(ONE, 0b1)
    events.close()
    assert list(await events.take()) == [PiecesPassed(ONE, 0b1)]
    with pytest.raises(SwarmError):
        await events.take()
