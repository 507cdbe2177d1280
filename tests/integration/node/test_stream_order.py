"""A host that is to have a release from front to back gets it about so from another one, over a real swarm."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import dcdist
from dcdist.engine.fetch_events import Seeding
from dcdist.model import pieces
from dcdist.policy.planner_commands import AskFirst
from dcdist.policy.reasons import stream
from dcdist.policy.trace import replay
from tests.support.publishing import KEY, Publisher, noise
from tests.support.swarms import until

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from dcdist import FetchEvent, FetchOptions, Release, Store

MIB = 1024 * 1024
IMAGES = {f"{number}.img": noise(number, 8 * MIB) for number in (1, 2, 3)}


def options(folder: Path, host: str) -> FetchOptions:
    return dcdist.FetchOptions(
        dest=folder / host / "images", cache=folder / host / "cache", reach=dcdist.Reach(listen=("127.0.0.1", 0))
    )


async def publish(store: Store) -> Release:
    """Three versions, each with an image more: the last has a layer for each."""
    publisher = Publisher(store, trusted=(KEY.public,))
    for count in (1, 2, 3):
        published = await publisher.publish(f"web@{count}", dict(list(IMAGES.items())[:count]))
    assert len(published.release.layers) == 3
    return published.release


def share_of_the_front(trace: Path) -> float:
    """How much of what a host had was at the front of its layers, without a gap, each time when pieces came."""
    counts, have, fronts, totals = [0, 0, 0], [0, 0, 0], 0, 0
    for line in trace.read_text().splitlines():
        event = json.loads(line).get("event", {})
        if event.get("is") == "LayerOpened":
            geometry = event["geometry"]
            counts[event["layer"]] = -(-geometry["length"] // geometry["piece_length"])
        elif event.get("is") == "PiecesFinished":
            came = event["pieces"]
            have[event["layer"]] |= int(came["hex"], 16) if isinstance(came, dict) else came
            for bits, count in zip(have, counts, strict=True):
                fronts += pieces.first_missing(bits)
                if bits.bit_count() < count:
                    break
            totals += sum(bits.bit_count() for bits in have)
    return fronts / totals


async def test_what_is_at_the_front_comes_first_from_another_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Bounds that are as small a part of this release as the real ones are of a real one.
    for name, value in (("_LEAST", MIB), ("_SECONDS", 0.2), ("_ENOUGH", MIB), ("_ENOUGH_SECONDS", 0.1)):
        monkeypatch.setattr(stream, name, value)
    stop = asyncio.Event()
    told: list[FetchEvent] = []
    trace = tmp_path / "b.trace"
    streamed = replace(
        options(tmp_path, "b"), draw=False, order=dcdist.Order.STREAM, rates=dcdist.Rates(down=6e6), trace=trace
    )
    async with dcdist.open_store((tmp_path / "store").as_uri(), environment={}) as store, asyncio.TaskGroup() as group:
        release = await publish(store)
        giver = replace(options(tmp_path, "a"), seed_for=600.0)
        group.create_task(dcdist.fetch(store, release, giver, report=told.append, stop=stop))
        await until(lambda: any(isinstance(event, Seeding) for event in told))
        fetched = await dcdist.fetch(store, release, streamed, report=lambda _: None)
        stop.set()

    for name, image in IMAGES.items():
        assert (tmp_path / "b" / "images" / name).read_bytes() == image
    assert fetched.bytes.store == 0
    assert share_of_the_front(trace) >= 0.6
    with trace.open() as lines:
        steps = list(replay(lines))
    assert all(step.same for step in steps)
    assert sum(isinstance(command, AskFirst) for step in steps for command in step.given) >= 10
