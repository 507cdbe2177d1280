"""What a real fetch records of its planner is what the planner says again when it is told the same."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

import dcdist
from dcdist.engine.fetch_events import Seeding
from dcdist.errors import DiskError
from dcdist.policy.planner_commands import Draw
from dcdist.policy.trace import replay
from tests.support.publishing import Publisher, noise

if TYPE_CHECKING:
    from pathlib import Path

    from dcdist import FetchEvent, FetchOptions

MIB = 1024 * 1024
IMAGE = noise(3, 6 * MIB)


def options(folder: Path, host: str, trace: Path) -> FetchOptions:
    return dcdist.FetchOptions(
        dest=folder / host / "images",
        cache=folder / host / "cache",
        reach=dcdist.Reach(listen=("127.0.0.1", 0)),
        prefer=dcdist.Prefer.EGRESS,
        rates=dcdist.Rates(store=2e6),
        seed_for=60.0,
        trace=trace,
    )


async def test_the_traces_of_two_hosts_that_trade_replay_to_the_same_commands(tmp_path: Path) -> None:
    hosts = ("a", "b")
    stop = asyncio.Event()
    told: dict[str, list[FetchEvent]] = {host: [] for host in hosts}
    async with dcdist.open_store((tmp_path / "store").as_uri(), environment={}) as store, asyncio.TaskGroup() as group:
        published = await Publisher(store).publish("web@1", {"web.img": IMAGE})
        for host in hosts:
            wanted = options(tmp_path, host, tmp_path / f"{host}.trace")
            group.create_task(dcdist.fetch(store, published.release, wanted, report=told[host].append, stop=stop))
        while not all(any(isinstance(event, Seeding) for event in told[host]) for host in hosts):
            await asyncio.sleep(0.05)
        stop.set()

    drawn = 0
    for host in hosts:
        with (tmp_path / f"{host}.trace").open() as lines:
            steps = list(replay(lines))
        assert [step for step in steps if not step.same] == []
        drawn += sum(isinstance(command, Draw) for step in steps for command in step.given)
    assert drawn >= published.release.layer_bytes // MIB


async def test_a_trace_that_cannot_be_written_is_refused_before_anything_is_fetched(tmp_path: Path) -> None:
    async with dcdist.open_store((tmp_path / "store").as_uri(), environment={}) as store:
        published = await Publisher(store).publish("web@1", {"web.img": IMAGE})
        wanted = options(tmp_path, "a", tmp_path / "nowhere" / "a.trace")
        with pytest.raises(DiskError, match="nowhere"):
            await dcdist.fetch(store, published.release, wanted, report=lambda _: None)
    assert not (tmp_path / "a" / "images" / "web.img").exists()
