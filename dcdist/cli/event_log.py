"""`--log-file`: what a command does, one JSON object a line, for finding a cause afterwards.

Every line has `time` (UTC), `pid`, `command`, `release` and `event`. A log that can no longer be written ends no
command: a warning on standard error says so, once.
"""

from __future__ import annotations

import errno
import json
import os
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from dcdist.cli.display.output import warn
from dcdist.cli.display.throttle import IN_A_LOG, Throttle
from dcdist.cli.faults import fault_of
from dcdist.errors import DiskError
from dcdist.output_file import open_output

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from dcdist.cli.faults import Json

_OFTEN = frozenset({"progress", "layer_checked", "image_checked"})


class EventLog:
    """The lines of one command in one process; several may share a file. Without a path it does nothing."""

    def __init__(
        self, path: Path | None, command: str, release: str, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Open it for appending.

        Raises:
            DiskError: It cannot be opened.
        """
        self._path = path
        self._told: dict[str, Json] = {"pid": os.getpid(), "command": command, "release": release}
        self._often = {event: Throttle(IN_A_LOG, clock, at_once=True) for event in _OFTEN}
        self._descriptor = -1 if path is None else _open(path)

    def note(self, record: dict[str, Json]) -> None:
        """Write an event at once; of those that come often, one in ten seconds."""
        throttle = self._often.get(str(record.get("event")))
        if self._descriptor < 0 or (throttle is not None and not throttle.passes()):
            return
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = json.dumps({"time": now, **self._told, **record}).encode() + b"\n"
        try:
            # In one call: lines of several processes do not mix.
            os.write(self._descriptor, line)
        except OSError as error:
            self.close()
            warn(f"dcdist: cannot write the log {self._path}; logging stopped: {error.strerror}")

    def close(self) -> None:
        """Nothing more is written."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


@contextmanager
def logging_events(path: Path | None, command: str, release: str) -> Iterator[EventLog]:
    """The log of a command that works in this process; its last lines say how the command ended.

    Raises:
        DiskError: See `EventLog`.
    """
    log = EventLog(path, command, release)
    try:
        yield log
    except BaseException as error:
        fault = fault_of(error)
        log.note({**fault.record(), "trace": fault.trace})
        raise
    finally:
        log.note({"event": "ended"})
        log.close()


def _open(path: Path) -> int:
    try:
        return open_output(path)
    except OSError as error:
        reason = "nobody reads this pipe" if error.errno == errno.ENXIO else error.strerror
        raise DiskError(
            f"the log {path} cannot be written: {reason}; name another file with --log-file", path=str(path)
        ) from error
