"""Drives the planner: events in, commands out, each carried out at once or as a task.

Invariant: every decision is the planner's, and it gets events in the order in which they happen.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, assert_never

from dcdist.engine import troubles
from dcdist.engine.drawing import draw, needless, object_of
from dcdist.engine.fetch_options import Order
from dcdist.errors import FetchFailedError
from dcdist.policy.fleet.acquaintance import ACQUAINTED_AFTER
from dcdist.policy.planner import Planner
from dcdist.policy.planner_commands import AskFirst, Draw, Drop, GiveUp
from dcdist.policy.planner_events import BytesDrawn, DrawNeedless
from dcdist.policy.planner_options import PlannerOptions
from dcdist.policy.preference import PREFERENCES
from dcdist.policy.trace import RecordedPlanner

if TYPE_CHECKING:
    from collections.abc import Callable

    from dcdist.engine.byte_counts import ByteCounts
    from dcdist.engine.fetch_events import FetchEvent
    from dcdist.engine.fetch_job import Job
    from dcdist.engine.open_layers import OpenLayer, OpenLayers
    from dcdist.policy.planner import PlannerStatistics
    from dcdist.policy.planner_commands import Command
    from dcdist.policy.planner_events import Event
    from dcdist.ports.store import Store

_SHORTEST_WAIT = 0.01
"""Seconds between two looks at the planner, at least: a deadline that has passed must not become a busy loop."""


class Driver:
    """The planner of one fetch, and its draws under way."""

    def __init__(
        self,
        options: PlannerOptions,
        store: Store,
        counts: ByteCounts,
        *,
        report: Callable[[FetchEvent], None],
        trace: Callable[[str], None] | None,
    ) -> None:
        """`trace` gets a line for each event and for the commands that follow."""
        self._planner = Planner(options) if trace is None else RecordedPlanner(options, trace)
        self._store = store
        self._counts = counts
        self._report = report
        self._loop = asyncio.get_running_loop()
        self._wake = asyncio.Event()
        self._draws: dict[int, tuple[str, asyncio.Task[None]]] = {}

    def tell(self, event: Event) -> None:
        """Pass an event to the planner; its commands follow soon."""
        if isinstance(event, BytesDrawn):
            self._counts.drawn(event.draw, event.total)
        self._planner.receive(event, now=self._loop.time())
        self._wake.set()

    def statistics(self) -> PlannerStatistics:
        """The planner's sums and rates now."""
        return self._planner.statistics(now=self._loop.time())

    async def run(self, layers: OpenLayers, group: asyncio.TaskGroup) -> None:
        """Carry out the planner's commands until cancelled; `group` owns the draws.

        Raises:
            FetchFailedError: Nothing has come from anywhere for too long.
        """
        while True:
            self._wake.clear()
            for command in self._planner.commands(now=self._loop.time()):
                self._execute(command, layers, group)
            wait = self._planner.deadline() - self._loop.time()
            try:
                async with asyncio.timeout(None if wait == float("inf") else max(_SHORTEST_WAIT, wait)):
                    await self._wake.wait()
            except TimeoutError:
                pass

    def _execute(self, command: Command, layers: OpenLayers, group: asyncio.TaskGroup) -> None:
        match command:
            case Draw():
                opened = layers[command.layer]
                task = group.create_task(self._draw(command, opened))
                self._draws[command.number] = (object_of(opened.index, command), task)
                task.add_done_callback(lambda _: self._draws.pop(command.number, None))
            case Drop():
                self._drop(command)
            case AskFirst():
                layers[command.layer].swarm_layer.prefer(command.pieces, others=command.others)
            case GiveUp():
                raise FetchFailedError(
                    f"the fetch gave up with {self._counts.left()} still missing: {command.reason}. What was fetched "
                    "is kept: run the same command again to resume"
                )
            case _:
                assert_never(command)

    async def _draw(self, command: Draw, opened: OpenLayer) -> None:
        found = await needless(opened.swarm_layer, command, opened.peers)
        if found is not None:
            opened.peers = found
            self.tell(found)
            self.tell(DrawNeedless(command.number))
            return
        await draw(
            self._store,
            opened.index,
            opened.swarm_layer,
            command,
            tell=self.tell,
            failed=lambda error: self._report(troubles.store_failed(error)),
        )

    def _drop(self, command: Drop) -> None:
        to_drop = self._draws.get(command.number)
        if to_drop is not None:
            key, running = to_drop
            running.cancel()
            self._report(troubles.request_left(self._store, key))


def planner_options(job: Job, *, begun: float, meets: bool) -> PlannerOptions:
    """The options of a job's planner, which begins at time `begun`; `meets`: others can be met at a rendezvous."""
    return PlannerOptions(
        host=job.host,
        version=job.release.name.version,
        layers=tuple(entry.name for entry in job.release.layers),
        preference=PREFERENCES[job.options.prefer.value],
        may_draw=job.options.draw,
        in_order=not job.options.swarm,
        stream=job.options.order is Order.STREAM,
        acquainted_from=begun + (ACQUAINTED_AFTER if meets else 0.0),
        begun=begun,
    )
