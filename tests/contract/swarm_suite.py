"""What every swarm promises, tried without other hosts."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from dcdist.errors import InvariantError, SwarmError
from dcdist.model.geometry import MIB
from dcdist.ports.swarm import PieceFailed, PiecesPassed, SwarmStatistics
from tests.support.cached_layers import everything, file_layer
from tests.support.layers import sample_layer
from tests.support.swarms import finished

if TYPE_CHECKING:
    from pathlib import Path

    from dcdist.ports.swarm import Swarm


class SwarmSuite:
    """Inherited by one class an adapter, which has a fixture `swarm`: one that listens nowhere and is closed later."""

    async def test_an_injected_piece_is_reported_and_in_the_file_after_a_flush(
        self, swarm: Swarm, tmp_path: Path
    ) -> None:
        sample = sample_layer()
        layer = file_layer(tmp_path, sample)
        shared = await swarm.add(layer)
        await shared.inject(3, sample.piece(3))
        assert list(await swarm.events()) == [PiecesPassed(sample.index.layer, 0b1000)]
        await shared.flush()
        assert layer.read(3) == sample.piece(3)

    async def test_a_layer_is_made_of_all_its_pieces_in_any_order(self, swarm: Swarm, tmp_path: Path) -> None:
        sample = sample_layer()
        layer = file_layer(tmp_path, sample)
        shared = await swarm.add(layer)
        for piece in (8, 0, 7, 1, 6, 2, 5, 3, 4):
            await shared.inject(piece, sample.piece(piece))
        await finished(swarm, 0b1_1111_1111)
        await shared.flush()
        assert layer.path.read_bytes() == sample.data

    async def test_more_pieces_than_there_is_room_for_all_get_in(self, swarm: Swarm, tmp_path: Path) -> None:
        sample = sample_layer(64 * MIB)
        layer = file_layer(tmp_path, sample)
        shared = await swarm.add(layer)
        wanted = everything(sample.index)
        async with asyncio.TaskGroup() as group:
            for piece in range(sample.index.geometry.piece_count):
                group.create_task(shared.inject(piece, sample.piece(piece)))
            await finished(swarm, wanted)
        await shared.flush()
        assert layer.path.read_bytes() == sample.data

    async def test_a_bad_piece_fails_and_a_good_one_is_taken_afterwards(self, swarm: Swarm, tmp_path: Path) -> None:
        sample = sample_layer()
        shared = await swarm.add(file_layer(tmp_path, sample))
        await shared.inject(2, bytes(len(sample.piece(2))))
        assert list(await swarm.events()) == [PieceFailed(sample.index.layer, 2, injected=True)]
        await shared.inject(2, sample.piece(2))
        assert list(await swarm.events()) == [PiecesPassed(sample.index.layer, 0b100)]
        assert swarm.statistics().wasted == len(sample.piece(2))

    async def test_a_piece_is_reported_once_however_often_it_comes(self, swarm: Swarm, tmp_path: Path) -> None:
        sample = sample_layer()
        shared = await swarm.add(file_layer(tmp_path, sample))
        for piece in (4, 4, 4, 5):
            await shared.inject(piece, sample.piece(piece))
        told: list[int] = []
        while {4, 5} - set(told):
            told += [piece for event in await swarm.events() for piece in pieces_of(event)]
        await shared.flush()
        await shared.inject(6, sample.piece(6))
        while 6 not in told:
            told += [piece for event in await swarm.events() for piece in pieces_of(event)]
        assert sorted(told) == [4, 5, 6]

    async def test_pieces_in_the_cache_are_neither_reported_nor_taken_again(self, swarm: Swarm, tmp_path: Path) -> None:
        sample = sample_layer()
        layer = file_layer(tmp_path, sample, have=0b11)
        shared = await swarm.add(layer)
        await shared.inject(0, bytes(len(sample.piece(0))))
        await shared.inject(2, sample.piece(2))
        assert list(await swarm.events()) == [PiecesPassed(sample.index.layer, 0b100)]
        await shared.flush()
        assert layer.read(0) == sample.piece(0)

    async def test_a_whole_layer_takes_nothing(self, swarm: Swarm, tmp_path: Path) -> None:
        sample = sample_layer()
        layer = file_layer(tmp_path, sample, have=everything(sample.index))
        shared = await swarm.add(layer)
        await shared.inject(0, bytes(len(sample.piece(0))))
        await shared.flush()
        assert layer.path.read_bytes() == sample.data

    async def test_claimed_pieces_can_be_injected(self, swarm: Swarm, tmp_path: Path) -> None:
        sample = sample_layer()
        shared = await swarm.add(file_layer(tmp_path, sample))
        shared.reserve(0b1_1111_1111)
        await shared.inject(1, sample.piece(1))
        await finished(swarm, 0b10)
        shared.release(0b1_1111_1111)
        await shared.inject(2, sample.piece(2))
        await finished(swarm, 0b100)

    async def test_pieces_can_be_injected_whatever_is_preferred(self, swarm: Swarm, tmp_path: Path) -> None:
        sample = sample_layer()
        shared = await swarm.add(file_layer(tmp_path, sample))
        shared.prefer(0b11, others=False)
        await shared.inject(1, sample.piece(1))
        await shared.inject(5, sample.piece(5))
        await finished(swarm, 0b10_0010)
        shared.prefer(0, others=True)
        await shared.inject(2, sample.piece(2))
        await finished(swarm, 0b100)

    async def test_layers_do_not_mix(self, swarm: Swarm, tmp_path: Path) -> None:
        samples = [sample_layer(seed=seed) for seed in (1, 2, 3)]
        layers = [file_layer(tmp_path / str(number), sample) for number, sample in enumerate(samples)]
        shared = [await swarm.add(layer) for layer in layers]
        missing = {(sample.index.layer, piece) for sample in samples for piece in range(9)}
        for piece in range(9):
            for sample, target in zip(samples, shared, strict=True):
                await target.inject(piece, sample.piece(piece))
        while missing:
            for event in await swarm.events():
                assert isinstance(event, PiecesPassed)
                missing -= {(event.layer, piece) for piece in pieces_of(event)}
        await asyncio.gather(*(target.flush() for target in shared))
        assert [layer.path.read_bytes() for layer in layers] == [sample.data for sample in samples]

    async def test_a_layer_is_added_once(self, swarm: Swarm, tmp_path: Path) -> None:
        layer = file_layer(tmp_path, sample_layer())
        await swarm.add(layer)
        with pytest.raises(SwarmError, match="00000000000000000000000000000001"):
            await swarm.add(layer)

    async def test_a_piece_that_cannot_be_is_a_bug(self, swarm: Swarm, tmp_path: Path) -> None:
        shared = await swarm.add(file_layer(tmp_path, sample_layer()))
        with pytest.raises(InvariantError):
            await shared.inject(9, b"")

    async def test_alone_it_has_moved_nothing(self, swarm: Swarm, tmp_path: Path) -> None:
        shared = await swarm.add(file_layer(tmp_path, sample_layer(), have=0b1))
        swarm.connect("127.0.0.1", 9)
        swarm.limit(up=1e6, down=None)
        assert (shared.available(), await shared.latest_available(), shared.coming()) == (0, 0, 0)
        assert swarm.port == 0
        assert swarm.lacking() == ()
        assert swarm.statistics() == SwarmStatistics(
            from_peers=0, useful=0, to_peers=0, wasted=0, peers=0, peers_seen=0
        )

    async def test_a_host_is_forgotten_whether_it_was_asked_for_or_not(self, swarm: Swarm, tmp_path: Path) -> None:
        swarm.forget("127.0.0.1", 9)
        swarm.connect("127.0.0.1", 9)
        await swarm.add(file_layer(tmp_path, sample_layer()))
        swarm.forget("127.0.0.1", 9)
        swarm.forget("127.0.0.1", 9)
        swarm.connect("127.0.0.1", 9)
        assert swarm.statistics().peers == 0

    async def test_events_wait_until_something_happens(self, swarm: Swarm, tmp_path: Path) -> None:
        sample = sample_layer()
        shared = await swarm.add(file_layer(tmp_path, sample))
        waiting = asyncio.ensure_future(swarm.events())
        await shared.flush()
        assert not waiting.done()
        await shared.inject(0, sample.piece(0))
        assert list(await waiting) == [PiecesPassed(sample.index.layer, 0b1)]

    async def test_nobody_waits_for_events_in_vain_after_being_cancelled(self, swarm: Swarm, tmp_path: Path) -> None:
        sample = sample_layer()
        shared = await swarm.add(file_layer(tmp_path, sample))
        waiting = asyncio.ensure_future(swarm.events())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        await shared.inject(0, sample.piece(0))
        assert list(await swarm.events()) == [PiecesPassed(sample.index.layer, 0b1)]

    async def test_when_closed_all_that_was_finished_is_in_the_file(self, swarm: Swarm, tmp_path: Path) -> None:
        sample = sample_layer(16 * MIB)
        layer = file_layer(tmp_path, sample)
        shared = await swarm.add(layer)
        for piece in range(64):
            await shared.inject(piece, sample.piece(piece))
        await finished(swarm, everything(sample.index))
        await swarm.close()
        assert layer.path.read_bytes() == sample.data

    async def test_a_closed_swarm_gives_what_happened_and_then_refuses(self, swarm: Swarm, tmp_path: Path) -> None:
        sample = sample_layer()
        shared = await swarm.add(file_layer(tmp_path, sample))
        waiting = asyncio.ensure_future(swarm.events())
        await shared.inject(0, sample.piece(0))
        assert list(await waiting) == [PiecesPassed(sample.index.layer, 0b1)]
        waiting = asyncio.ensure_future(swarm.events())
        await swarm.close()
        with pytest.raises(SwarmError):
            await waiting

    async def test_a_closed_swarm_takes_nothing(self, swarm: Swarm, tmp_path: Path) -> None:
        sample = sample_layer()
        shared = await swarm.add(file_layer(tmp_path, sample))
        await swarm.close()
        with pytest.raises(SwarmError):
            await shared.inject(0, sample.piece(0))
        with pytest.raises(SwarmError):
            await swarm.add(file_layer(tmp_path, sample_layer(seed=2)))
        await swarm.close()


def pieces_of(event: object) -> list[int]:
    """The pieces that an event says are finished."""
    assert isinstance(event, PiecesPassed)
    return [piece for piece in range(event.pieces.bit_length()) if event.pieces >> piece & 1]
