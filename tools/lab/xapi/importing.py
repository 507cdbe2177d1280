"""`PUT /import`: one archive, to the last block of the last disk, and a task that tells how it ended.

Follows import.ml (`handler`, `stream_import`) and stream_vdi.ml (`made_progress`). What surprises is on purpose:
- The status 200 comes before the body is read, and says nothing. A failure is told in the task; the page of an error
  follows in the same connection, where nobody expects it.
- The connection ends behind the last block, whatever the client still has to say.
- Progress is whole MiB by whole MiB: of disks under 1 MiB in all it is no number.
Other than xapi, it refuses `Expect`, so that a test sees it: xapi does not know that header, and sends no 100.
"""

from __future__ import annotations

import math
import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from tools.lab.xapi.admission import Refused, admit
from tools.lab.xapi.archive import ArchiveReader, DiskBlock
from tools.lab.xapi.body import Body, Reset
from tools.lab.xapi.failures import Failure
from tools.lab.xapi.import_log import Import
from tools.lab.xapi.orders import IMPORT

if TYPE_CHECKING:
    from pathlib import Path

    from tools.lab.ova import Value
    from tools.lab.xapi.description import Description
    from tools.lab.xapi.orders import Fault
    from tools.lab.xapi.site import Host, Site
    from tools.lab.xapi.wire import Request, Wire

_MIB = 1 << 20


def take_import(site: Site, request: Request, wire: Wire, host: Host) -> None:
    """Answer one request, and read its body if it is welcome."""
    fault = site.orders.fault_of(IMPORT)
    time.sleep(fault.delay)
    task = request.given("task_id") or ""
    entry = Import(site.log.number(), "failed", "", task, 0, time.monotonic(), length=request.length)
    try:
        _refuse_as_ordered(fault)
        storage = admit(site, request, host)
    except Refused as refused:
        site.log.write(replace(entry, status=refused.status, error=(str(refused),), ended=time.monotonic()))
        if refused.location:
            wire.begin(refused.status, f"Location: {refused.location}")
        else:
            wire.page(refused.status, str(refused))
        return
    task = task or site.database.begin_task("VM.import")
    ImportRun(site, request, wire, replace(entry, task=task), fault).run(storage)


def _refuse_as_ordered(fault: Fault) -> None:
    if fault.status is not None:
        raise Refused(fault.status, "as ordered")


class ImportRun:
    """One import from its answer to the end of its task."""

    def __init__(self, site: Site, request: Request, wire: Wire, entry: Import, fault: Fault) -> None:
        self._site = site
        self._request = request
        self._wire = wire
        self._entry = entry
        self._fault = fault
        self._force = request.query.get("force") == "true"
        self._restore = request.query.get("restore") == "true"
        self._body = Body(self._read, fault)
        self._machines: dict[str, bool] = {}
        self._paths: dict[str, Path] = {}
        self._total = self._streamed = 0
        self._told = -math.inf

    def run(self, storage: str) -> None:
        """All of it; when it returns, task and log say how it ended, and the connection has nothing to add."""
        self._change_task(progress=0.0)
        failure: Failure | None = None
        whole = False
        try:
            with self._site.place_for_import():
                self._answer(storage)
                self._receive()
                whole = True
                self._body.end_as_ordered()
                self._site.database.check_cancelling(self._entry.task)
                self._change_task(allowed_operations=[])
        except Reset:
            self._wire.reset()
            failure = None if whole else Failure.of_early_end()
        except Failure as error:
            failure = error
        if self._fault.late:
            self._wire.close()
            time.sleep(self._fault.late)
        self._end(failure)

    def _answer(self, storage: str) -> None:
        """The head of the answer, which comes before the body."""
        refusals = (
            (self._site.database.record("SR", storage)["content_type"] == "iso", 400, "SR_OPERATION_NOT_SUPPORTED"),
            ("transfer-encoding" in self._request.headers, 403, "IMPORT_ERROR_CANNOT_HANDLE_CHUNKED"),
            ("expect" in self._request.headers, 417, "IMPORT_ERROR_THE_LAB_REFUSES_EXPECT"),
        )
        for refused, status, code in refusals:
            if refused:
                self._begin(status)
                raise Failure(code)
        self._begin(200, f"Task-Id:{self._entry.task}", "Content-Type: application/octet-stream")

    def _begin(self, status: int, *lines: str) -> None:
        self._note(status=status, state="under way")
        try:
            self._wire.begin(status, *lines)
        except OSError:
            raise Failure.of_early_end() from None

    def _receive(self) -> None:
        reader = ArchiveReader(force=self._force)
        for step in self._body.steps(reader, self._request.length):
            if isinstance(step, DiskBlock):
                self._site.shelf.write(self._paths[step.disk], step)
                self._advance(step.skipped + len(step.data))
            else:
                self._create(step)

    def _create(self, description: Description) -> None:
        """VMs and empty disks."""
        if description.api_version > self._site.options.api_version:
            raise Failure("IMPORT_INCOMPATIBLE_VERSION")
        for machine in description.machines:
            reference = self._site.database.add_machine(machine, restore=self._restore, force=self._force)
            self._machines[reference] = machine.is_a_snapshot
        names = sorted(description.machines, key=lambda machine: machine.is_a_snapshot)
        self._note(vm=names[0].name if names else "")
        folder = self._site.options.directory / "disks" / str(self._entry.number)
        self._paths = self._site.shelf.create(folder, description.disks, self._site.orders.now().room)
        self._note(disks=tuple(self._paths.values()))
        self._total = sum(disk.size for disk in description.disks)
        self._change_task(allowed_operations=["cancel"], other_config={"object_creation": "complete"})

    def _advance(self, size: int) -> None:
        """Count bytes of disks; now and then tell the progress and see whether the import is to end."""
        if self._streamed == 0:
            self._note(first=time.monotonic())
        self._streamed += size
        now = time.monotonic()
        if now - self._told >= self._site.options.progress_seconds:
            self._told = now
            self._change_task(progress=_fraction(self._streamed // _MIB, self._total // _MIB))
            self._site.database.check_cancelling(self._entry.task)

    def _end(self, failure: Failure | None) -> None:
        """Clean up, then tell the log, the task and at last the client, who asks these two next."""
        if failure is not None and not self._force:
            self._site.shelf.destroy(tuple(self._paths.values()))
            for machine in self._machines:
                self._site.database.remove("VM", machine)
        ended = time.monotonic()
        if failure is None:
            self._note(state="whole", ended=ended)
            # Snapshots are told only where there is nothing else.
            own = [machine for machine, is_a_snapshot in self._machines.items() if not is_a_snapshot]
            self._site.database.succeed(self._entry.task, own or list(self._machines))
            return
        self._note(state="failed", error=failure.description, ended=ended)
        self._site.database.fail(self._entry.task, failure)
        with suppress(OSError):
            self._wire.page(500, str(failure))

    def _note(self, **changes: object) -> None:
        self._entry = replace(self._entry, taken=self._body.taken, **changes)  # type: ignore[arg-type]
        self._site.log.write(self._entry)

    def _change_task(self, **fields: Value) -> None:
        self._site.database.change("task", self._entry.task, **fields)

    def _read(self, most: int) -> bytes:
        """What the client sends. Whatever ends its connection is the end of the body: xapi is behind a TLS proxy."""
        try:
            return self._wire.read(most)
        except OSError:
            return b""


def _fraction(done: int, total: int) -> float:
    """As floating-point numbers are divided elsewhere."""
    if total:
        return done / total
    return math.inf if done else math.nan
