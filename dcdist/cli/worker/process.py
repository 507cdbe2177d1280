"""The process that does a fetch; it writes records of its events to standard output.

It ends when the command that started it is gone, which the end of standard input shows; but once the images are
complete, it lets go of everything inherited from the command and goes on giving to other hosts by itself.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import signal
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import dcdist
from dcdist.cli.display.records import record
from dcdist.cli.event_log import EventLog
from dcdist.cli.faults import fault_of, interrupted
from dcdist.cli.giving_up_root import SeedingUser, seeding_as
from dcdist.cli.own_process import rewrite_arguments
from dcdist.cli.running import on_first_signal
from dcdist.cli.worker.alone import give_up_root
from dcdist.cli.worker.garbage import collect_garbage, collect_no_garbage
from dcdist.cli.worker.pipe import RecordPipe
from dcdist.cli.worker.seeding_log import SeedingLog
from dcdist.engine.fetch_events import Fetched, Progress, Seeding, Troubled
from dcdist.tasks import in_thread

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from dcdist.cli.faults import Json
    from dcdist.cli.worker.surroundings import Surroundings
    from dcdist.engine.fetch_events import FetchEvent
    from dcdist.engine.fetch_options import FetchOptions

_ENDS_EARLY = "the process that goes on seeding ends when {} does, unless that has Type=notify or KillMode=process"


@dataclass(frozen=True, slots=True)
class FetchTask:
    """What the command was asked for: `wanted` from the store at the URL `store`.

    `trust`: files of public keys, and what was read from them. `around`: what becomes of this process when the command
    has ended. `seeding_user`: whom it becomes then.
    """

    store: str
    wanted: str
    options: FetchOptions
    trust: Sequence[tuple[Path, bytes]]
    log_file: Path | None
    around: Surroundings
    seeding_user: SeedingUser


def work_on(task: FetchTask) -> int:
    """Fetch; the exit code."""
    # Whatever prints goes where errors go: standard output carries events, and nothing else.
    events = os.dup(1)
    os.dup2(2, 1)
    collect_no_garbage()
    return asyncio.run(_Worker(task).run(events))


async def _import_the_rest() -> None:
    """Import what will be needed and is slow to import, while the store is being asked for the manifest."""
    try:
        await in_thread(importlib.import_module, "dcdist.node.fetch_run")
    finally:
        collect_garbage()


class _Worker:
    def __init__(self, task: FetchTask) -> None:
        self._task = task
        self._log = SeedingLog(task.options.cache, task.wanted)
        self._event_log = EventLog(None, "fetch", task.wanted)
        self._stop = asyncio.Event()
        self._signal = 0
        self._fetched = False
        self._giving_up: asyncio.Task[None] | None = None

    async def run(self, events: int) -> int:
        """The exit code."""
        async with RecordPipe(events) as pipe:
            self._pipe = pipe
            self._fetching = asyncio.create_task(self._fetch())
            on_first_signal(self._end)
            asyncio.get_running_loop().add_reader(0, self._look_for_parent)
            pipe.when_reader_is_gone(self._parent_is_gone)
            try:
                await self._fetching
            except asyncio.CancelledError:
                fault = interrupted(self._signal or signal.SIGTERM)
                self._event_log.note(fault.record())
                return fault.exit_code
            except Exception as error:
                fault = fault_of(error)
                told = {**fault.record(), "trace": fault.trace}
                pipe.write(told)
                self._event_log.note(told)
                self._log.note(fault.trace or fault.message)
                return fault.exit_code
            finally:
                self._let_go_of_parent()
                await self._end_giving_up()
                self._log.close()
                self._event_log.note({"event": "ended"})
                self._event_log.close()
            return 0

    async def _fetch(self) -> None:
        task = self._task
        self._event_log = EventLog(task.log_file, "fetch", task.wanted)
        imported = asyncio.create_task(_import_the_rest())
        if task.store.startswith("swift:"):
            from dcdist.store.http.http_client import import_without_certificates

            import_without_certificates()
        from dcdist.node.key_files import public_key
        from dcdist.node.resolve import fetch_by_name
        from dcdist.node.stores import open_store

        try:
            options = task.options
            keys = [public_key(written, path) for path, written in task.trust]
            async with open_store(task.store, report=self._report) as store:
                where: dict[str, Json] = {"store": str(store), "dest": str(options.dest), "cache": str(options.cache)}
                self._event_log.note({"event": "started", **where, "version": dcdist.__version__})
                await fetch_by_name(store, task.wanted, options, trust=keys, report=self._report, stop=self._stop)
        finally:
            await imported

    def _report(self, event: FetchEvent) -> None:
        if isinstance(event, Seeding) and (service := self._task.around.end_with):
            self._report(Troubled(_ENDS_EARLY.format(service), source=service))
        if isinstance(event, Seeding) and self._log.problem:
            self._report(Troubled(self._log.problem, source=str(self._log.path)))
        if isinstance(event, Seeding) and self._task.seeding_user.asked and (why := self._task.seeding_user.reason):
            self._report(Troubled(f"it seeds as root: {why}", source="--user"))
        told = record(event)
        if isinstance(event, Seeding):
            told |= {"pid": os.getpid(), "log": str(self._log.path), "foreground": bool(self._task.around.stay)}
        self._event_log.note(told)
        if isinstance(event, Fetched):
            self._fetched = True
            # Before it is reported: whoever reads this process's output to its end must not wait for the seeding.
            self._let_go_of_parent()
            # A file system must not be busy because the command was called there. All paths are absolute by now.
            os.chdir("/")
            rewrite_arguments(lambda _: [f"dcdist: seeding {event.release}".encode()])
            self._log.open()
        if isinstance(event, Seeding):
            self._log.begin(event.seconds)
            self._giving_up = asyncio.create_task(self._give_up_root())
            self._pipe.write(told)
            self._pipe.finish()
        elif isinstance(event, Progress):
            self._pipe.write_if_there_is_room(told)
        else:
            self._pipe.write(told)
        if self._fetched:
            self._log.note_event(event)

    async def _give_up_root(self) -> None:
        account, reason = self._task.seeding_user.account, self._task.seeding_user.reason
        if account is not None:
            reason = await give_up_root(account, self._task.options.cache)
        if told := seeding_as(self._task.seeding_user, reason):
            self._event_log.note(told)
            self._log.note(f"goes on as {told['user']}" + (f": {reason}" if reason else ""))

    # The end

    async def _end_giving_up(self) -> None:
        if self._giving_up is not None:
            self._giving_up.cancel()
            with suppress(asyncio.CancelledError):
                await self._giving_up

    def _end(self, number: int) -> None:
        if self._signal:
            return  # a second cancellation would interrupt the clean end
        self._signal = number
        if self._fetched:
            self._stop.set()
        else:
            self._fetching.cancel()

    def _look_for_parent(self) -> None:
        # It writes nothing: what makes its pipe readable is its end.
        if not os.read(0, 1024):
            self._parent_is_gone()

    def _parent_is_gone(self) -> None:
        if not self._fetched:
            self._let_go_of_parent()
            self._end(signal.SIGTERM)

    def _let_go_of_parent(self) -> None:
        asyncio.get_running_loop().remove_reader(0)
        nowhere = os.open(os.devnull, os.O_RDWR)
        os.dup2(nowhere, 0)
        os.close(nowhere)
