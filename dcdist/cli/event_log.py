"""`--log-file`: what a command does, as one JSON object a line, for those who look for the cause afterwards.

Every line has `time` (UTC), `pid`, `command`, `release` and `event`. A log that cannot be written any more ends no
command: that is said once, on standard error.
"""

from __future__ import annotations

import json
import os
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from dcdist.cli.display.output import warn
from dcdist.cli.faults import fault_of
from dcdist.errors import DiskError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from dcdist.cli.faults import Json

_OFTEN = frozenset({"progress", "layer_checked"})
_EVERY = 10.0
"""Seconds between two lines of events that come often."""


class EventLog:
    """Lines for one command in one process; several may write to one file. Without a path it does nothing."""

    def __init__(
        self, path: Path | None, command: str, release: str, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Open it for appending.

        Raises:
            DiskError: That is not allowed, or there is no such folder.
        """
        self._path = path
        self._told: dict[str, Json] = {"pid": os.getpid(), "command": command, "release": release}
        self._clock = clock
        self._latest: dict[str, float] = {}
        self._descriptor = -1 if path is None else _open(path)

    def note(self, record: dict[str, Json]) -> None:
        """Write an event, at once; of those that come often one in ten seconds."""
        if self._descriptor < 0 or not self._is_due(str(record.get("event"))):
            return
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = json.dumps({"time": now, **self._told, **record}).encode() + b"\n"
        try:
            # In one call: lines of several processes do not mix.
            os.write(self._descriptor, line)
        except OSError as error:
            self.close()
            warn(f"dcdist: the log {self._path} ends here: {error.strerror}")

    def close(self) -> None:
        """Nothing more is written."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _is_due(self, event: str) -> bool:
        if event not in _OFTEN:
            return True
        now = self._clock()
        if now - self._latest.get(event, float("-inf")) < _EVERY:
            return False
        self._latest[event] = now
        return True


@contextmanager
def logging_events(path: Path | None, command: str, release: str) -> Iterator[EventLog]:
    """The log of a command that works in this process, with its end: how it failed, or that it did not.

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
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise DiskError(
            f"the log {path} cannot be written: {error.strerror}; name another file with --log-file", path=str(path)
        ) from error
