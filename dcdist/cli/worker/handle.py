"""The process that works for a fetch, as the command sees it: started, listened to, ended or let go.

Invariant: leaving the context ends the child and waits for it, unless it was let go.
"""

from __future__ import annotations

import json
import os
import signal
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from dcdist.cli.faults import died
from dcdist.cli.worker.fork import Forked

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from dcdist.cli.faults import Fault, Json

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Child:
    """One worker process, in a session of its own: signals of the terminal reach it through this command only."""

    def __init__(self, request: bytes) -> None:
        """Start it with `request`, one line.

        Raises:
            OSError: It cannot be started.
        """
        self.interrupted = 0
        """The number of the signal that asked this command to end; 0 if none has."""
        self._let_go = False
        self._process = Forked(_work)
        self._before = {}
        for number in _SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._pass_on)
        self._write(request)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if not self._let_go:
            self._end()
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._process.stdin.close()
        self._process.stdout.close()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def records(self) -> Iterator[dict[str, Json]]:
        """What it tells, until it ends or closes its side."""
        for line in self._process.stdout:
            try:
                found = json.loads(line)
            except ValueError:
                continue  # cut off in the middle: it was killed, and its exit code will say so
            if isinstance(found, dict):
                yield found

    def wait(self) -> Fault | None:
        """Wait for its end; what to say if it ended without a word, None if it ended well."""
        status = self._process.wait()
        return died(status) if status else None

    def let_go(self) -> None:
        """From now on it goes its own way."""
        self._let_go = True

    def _write(self, request: bytes) -> None:
        rest = memoryview(request)
        with suppress(BrokenPipeError):  # it is dead already, which is seen when it is waited for
            while rest:
                rest = rest[self._process.stdin.write(rest) :]

    def _end(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        for _ in self._process.stdout:
            pass  # so that it cannot hang on what it still has to tell
        self._process.wait()

    def _pass_on(self, number: int, _frame: FrameType | None) -> None:
        if self._let_go or self._process.returncode is not None:
            return
        if self.interrupted:
            self._process.send_signal(signal.SIGKILL)
            return
        self.interrupted = number
        self._process.send_signal(signal.SIGTERM)
        # Not by `print`, which this handler may have interrupted.
        os.write(2, b"\ndcdist: ending; what was fetched is kept (once more: end at once)\n")


def _work() -> int:
    # Imported by the process that works only: asyncio and what else it needs take long.
    from dcdist.cli.worker.process import main

    return main()
