"""One draw: whole pieces go to the swarm as they come, and what ends early is released and told by kind."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

import pytest

from dcdist.engine.drawing import draw, needless
from dcdist.errors import RangeError, StoreError, StoreThrottledError, StoreUnavailableError
from dcdist.model import pieces
from dcdist.policy.planner_commands import Draw, Reason
from dcdist.policy.planner_events import BytesDrawn, DrawFailed, DrawFinished, Event, Failure, PeersSeen
from tests.support.engine import ByteStore, RememberingLayer
from tests.support.layers import sample_layer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from dcdist.model.pieces import Bits

LAYER = sample_layer()
KEY = f"layers/{LAYER.index.layer}/segments/00000"
PIECE = LAYER.index.geometry.piece_length


async def run(command: Draw, store: ByteStore) -> tuple[RememberingLayer, list[Event]]:
    swarm_layer = RememberingLayer()
    told: list[Event] = []
    await draw(store, LAYER.index, swarm_layer, command, tell=told.append, failed=lambda _: None)
    return swarm_layer, told


@pytest.mark.parametrize("step", [1000, PIECE, PIECE + 1, 3 * PIECE])
async def test_every_piece_of_the_range_is_injected_whole(step: int) -> None:
    swarm_layer, told = await run(Draw(7, 0, 3, 9, Reason.OWN), ByteStore({KEY: LAYER.data}, step=step))

    assert swarm_layer.injected == {piece: LAYER.piece(piece) for piece in range(3, 9)}
    assert told[-2] == DrawFinished(7)
    assert told[-1] == BytesDrawn(7, len(LAYER.data) - 3 * PIECE)


async def test_pieces_are_claimed_before_the_first_byte_and_stay_so_when_handed_over() -> None:
    swarm_layer, _ = await run(Draw(7, 0, 0, 4, Reason.OWN), ByteStore({KEY: LAYER.data}))

    assert swarm_layer.ever_claimed == pieces.span(0, 4)
    assert swarm_layer.claimed == pieces.span(0, 4)


async def test_a_broken_range_keeps_what_came_and_releases_the_rest() -> None:
    error = StoreUnavailableError("reset", key=KEY)
    store = ByteStore({KEY: LAYER.data}, breaks={KEY: (2 * PIECE + 5000, error)})
    swarm_layer, told = await run(Draw(1, 0, 0, 8, Reason.OWN), store)

    assert sorted(swarm_layer.injected) == [0, 1]
    assert swarm_layer.claimed == pieces.span(0, 2)
    assert DrawFailed(1, Failure.PASSING, "reset") in told
    assert isinstance(told[-1], BytesDrawn)
    assert 2 * PIECE < told[-1].total <= 2 * PIECE + 5000


@pytest.mark.parametrize(
    ("error", "failure", "retry_after"),
    [
        (StoreThrottledError("slow down", retry_after=3.0), Failure.THROTTLED, 3.0),
        (StoreUnavailableError("no answer"), Failure.PASSING, None),
        (RangeError("the whole object came"), Failure.LASTING, None),
    ],
)
async def test_failures_are_told_by_what_can_be_done(
    error: StoreError, failure: Failure, retry_after: float | None
) -> None:
    store = ByteStore({KEY: LAYER.data}, breaks={KEY: (0, error)})
    _, told = await run(Draw(1, 0, 0, 8, Reason.OWN), store)

    assert told[0] == DrawFailed(1, failure, str(error), retry_after)


async def test_a_missing_segment_says_that_the_release_is_damaged() -> None:
    _, told = await run(Draw(1, 0, 0, 8, Reason.OWN), ByteStore())

    assert isinstance(told[0], DrawFailed)
    assert told[0].failure is Failure.LASTING
    assert "publish it again" in told[0].reason


async def test_a_cancelled_draw_releases_what_it_claimed() -> None:
    class Stuck(ByteStore):
        async def _parts(self, key: str, start: int, length: int) -> AsyncIterator[bytes]:
            yield self.objects[key][: PIECE + 10]
            await asyncio.Event().wait()

    swarm_layer = RememberingLayer()
    task = asyncio.create_task(
        draw(Stuck({KEY: LAYER.data}), LAYER.index, swarm_layer, Draw(1, 0, 0, 8, Reason.OWN), tell=print, failed=print)
    )
    while 0 not in swarm_layer.injected:
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert swarm_layer.claimed == 1


async def test_a_range_in_a_later_segment_is_read_from_that_object() -> None:
    data = random.Random(5).randbytes(66 * 1024 * 1024)
    large = sample_layer(data=data)
    geometry = large.index.geometry
    keys = [f"layers/{large.index.layer}/segments/0000{number}" for number in (0, 1)]
    cut = geometry.segment_length
    store = ByteStore({keys[0]: data[:cut], keys[1]: data[cut:]}, step=100_000)
    swarm_layer = RememberingLayer()
    first = cut // geometry.piece_length + 1
    await draw(store, large.index, swarm_layer, Draw(1, 0, first, first + 2, Reason.OWN), tell=print, failed=print)

    assert swarm_layer.injected == {piece: large.piece(piece) for piece in (first, first + 1)}


class OfferingLayer(RememberingLayer):
    """Peers have come to hold everything."""

    async def latest_available(self) -> Bits:
        return pieces.span(0, 8)


@pytest.mark.parametrize(("reason", "is_needless"), [(Reason.OWN, True), (Reason.STANDSTILL, False)])
async def test_a_host_that_stands_still_draws_whatever_peers_have_come_to_offer(
    reason: Reason, is_needless: bool
) -> None:
    found = await needless(OfferingLayer(), Draw(1, 0, 0, 4, reason), PeersSeen(0, 0))
    assert (found is not None) == is_needless
