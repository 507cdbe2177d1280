from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from dcdist.disk import DirectoryCache, Solitary
from dcdist.errors import DiskError, InvariantError, SwarmError
from dcdist.ports.swarm import PieceFailed, PiecesPassed, SwarmBroke, SwarmStatistics
from tests.support.layers import sample_layer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from dcdist.disk.layer_file import LayerFile
    from dcdist.ports.swarm import SwarmEvent

SAMPLE = sample_layer()
NAME = SAMPLE.index.layer


@pytest.fixture
async def layer(tmp_path: Path) -> AsyncIterator[LayerFile]:
    async with DirectoryCache(tmp_path) as cache:
        layer = await cache.open(SAMPLE.index)
        yield layer
        await layer.close(clean=False)


@pytest.fixture
async def swarm() -> AsyncIterator[Solitary]:
    async with Solitary() as swarm:
        yield swarm


def content(layer: LayerFile, piece: int) -> bytes:
    geometry = SAMPLE.index.geometry
    with layer.path.open("rb") as file:
        file.seek(piece * geometry.piece_length)
        return file.read(geometry.piece_size(piece))


async def settle(swarm: Solitary) -> Sequence[SwarmEvent]:
    """All events of what was injected so far."""
    await swarm.close()
    return await swarm.events()


async def test_a_good_piece_is_in_the_file_when_it_is_reported(swarm: Solitary, layer: LayerFile) -> None:
    into = await swarm.add(layer)
    await into.inject(8, SAMPLE.piece(8))
    assert await swarm.events() == [PiecesPassed(NAME, 1 << 8)]
    assert content(layer, 8) == SAMPLE.piece(8)
    await into.flush()


async def test_pieces_that_finish_together_are_one_event(swarm: Solitary, layer: LayerFile) -> None:
    into = await swarm.add(layer)
    await asyncio.gather(*(into.inject(piece, SAMPLE.piece(piece)) for piece in range(9)))
    assert await settle(swarm) == [PiecesPassed(NAME, 0b1_1111_1111)]
    assert layer.path.read_bytes() == SAMPLE.data


@pytest.mark.parametrize("data", [b"", SAMPLE.piece(3), SAMPLE.piece(2) + b"x", SAMPLE.piece(2)[:-1], bytes(262144)])
async def test_a_bad_piece_is_reported_and_not_written(swarm: Solitary, layer: LayerFile, data: bytes) -> None:
    into = await swarm.add(layer)
    await into.inject(2, data)
    assert await swarm.events() == [PieceFailed(NAME, 2, injected=True)]
    assert content(layer, 2) == bytes(262144)
    assert swarm.statistics().wasted == len(data)
    await into.inject(2, SAMPLE.piece(2))
    assert await swarm.events() == [PiecesPassed(NAME, 0b100)]


async def test_a_piece_is_reported_once_however_often_it_comes(swarm: Solitary, layer: LayerFile) -> None:
    into = await swarm.add(layer)
    await asyncio.gather(
        into.inject(0, b"bad"), into.inject(0, SAMPLE.piece(0)), into.inject(0, SAMPLE.piece(0)), into.inject(0, b"bad")
    )
    assert await settle(swarm) == [PieceFailed(NAME, 0, injected=True), PiecesPassed(NAME, 1)]
    assert swarm.statistics() == SwarmStatistics(
        from_peers=0, useful=0, to_peers=0, wasted=262144 + 6, peers=0, peers_seen=0
    )
    assert content(layer, 0) == SAMPLE.piece(0)


async def test_a_piece_that_was_had_before_is_dropped(swarm: Solitary, layer: LayerFile) -> None:
    layer.add(0b1)
    into = await swarm.add(layer)
    await into.inject(0, SAMPLE.piece(0))
    await into.inject(1, SAMPLE.piece(1))
    assert await settle(swarm) == [PiecesPassed(NAME, 0b10)]
    assert swarm.statistics().wasted == 262144


async def test_injecting_waits_for_room_and_goes_on(swarm: Solitary, layer: LayerFile) -> None:
    into = await swarm.add(layer)
    waiting = [asyncio.ensure_future(into.inject(piece % 9, SAMPLE.piece(piece % 9))) for piece in range(40)]
    await asyncio.sleep(0)
    assert not any(task.done() for task in waiting[8:])
    await asyncio.gather(*waiting)
    assert await settle(swarm) == [PiecesPassed(NAME, 0b1_1111_1111)]


async def test_an_injection_that_was_cancelled_while_it_waited_is_still_done(swarm: Solitary, layer: LayerFile) -> None:
    into = await swarm.add(layer)
    waiting = [asyncio.ensure_future(into.inject(piece, SAMPLE.piece(piece))) for piece in range(9)]
    await asyncio.sleep(0)
    waiting[8].cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert await settle(swarm) == [PiecesPassed(NAME, 0b1_1111_1111)]


async def test_two_layers_are_told_apart(swarm: Solitary, layer: LayerFile, tmp_path: Path) -> None:
    other = sample_layer(5000, seed=2)
    async with DirectoryCache(tmp_path / "other") as cache:
        second = await cache.open(other.index)
        first_into, second_into = await swarm.add(layer), await swarm.add(second)
        await first_into.inject(1, SAMPLE.piece(1))
        await second_into.inject(0, other.piece(0))
        assert await settle(swarm) == [PiecesPassed(NAME, 0b10), PiecesPassed(other.index.layer, 1)]
        assert second.path.read_bytes() == other.data
        await second.close(clean=True)


async def test_a_data_file_that_cannot_be_written_breaks_the_swarm(swarm: Solitary, layer: LayerFile) -> None:
    into = await swarm.add(layer)
    layer.path.unlink()
    for piece in range(9):
        await into.inject(piece, SAMPLE.piece(piece))
    (event,) = await settle(swarm)
    assert isinstance(event, SwarmBroke)
    assert isinstance(event.error, DiskError)
    assert str(layer.path) in str(event.error)
    layer.path.touch()


async def test_waiting_for_events_can_be_cancelled_without_losing_any(swarm: Solitary, layer: LayerFile) -> None:
    into = await swarm.add(layer)
    waiting = asyncio.ensure_future(swarm.events())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await into.inject(4, SAMPLE.piece(4))
    assert await swarm.events() == [PiecesPassed(NAME, 1 << 4)]


async def test_it_has_no_network(swarm: Solitary, layer: LayerFile) -> None:
    into = await swarm.add(layer)
    swarm.connect("127.0.0.1", 9)
    swarm.limit(up=1.0, down=1.0)
    into.reserve(0b11)
    into.release(0b11)
    assert swarm.port == 0
    assert into.available() == 0


async def test_misuse_is_refused(swarm: Solitary, layer: LayerFile) -> None:
    into = await swarm.add(layer)
    with pytest.raises(SwarmError):
        await swarm.add(layer)
    for piece in (-1, 9):
        with pytest.raises(InvariantError):
            await into.inject(piece, b"")
    await swarm.close()
    with pytest.raises(SwarmError):
        await into.inject(0, SAMPLE.piece(0))


async def test_a_cancelled_close_still_ends_the_thread(layer: LayerFile) -> None:
    swarm = Solitary()
    into = await swarm.add(layer)
    await into.inject(0, SAMPLE.piece(0))
    closing = asyncio.ensure_future(swarm.close())
    await asyncio.sleep(0)
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing
    await swarm.close()
    assert content(layer, 0) == SAMPLE.piece(0)
