"""The process that works for a fetch, as the command sees it: started, listened to, ended or let go.

Invariant: leaving the context ends the child and waits for it, unless it was let go. This module imports little: the
child should be on its way before anything else is done.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from dcdist.cli.faults import died

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
        self._process = subprocess.Popen(
            [sys.executable, "-m", "dcdist.cli.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
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
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with suppress(BrokenPipeError):  # by what could not be written to a child that was dead already
                    stream.close()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def records(self) -> Iterator[dict[str, Json]]:
        """What it tells, until it ends or closes its side."""
        if self._process.stdout is None:
            return
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
        # Nobody will wait for it, and that is meant: no warning about it.
        self._process.returncode = 0

    def _write(self, request: bytes) -> None:
        try:
            if self._process.stdin is not None:
                self._process.stdin.write(request)
                self._process.stdin.flush()
        except BrokenPipeError:
            pass  # it is dead already, which is seen when it is waited for

    def _end(self) -> None:
        if self._process.poll() is None:
            self._process.terminate()
        if self._process.stdout is not None:
            for _ in self._process.stdout:
                pass  # so that it cannot hang on what it still has to tell
        self._process.wait()

    def _pass_on(self, number: int, _frame: FrameType | None) -> None:
        if self._process.returncode is not None:
            return
        if self.interrupted:
            self._process.kill()
            return
        self.interrupted = number
        self._process.terminate()
        # Not by `print`, which this handler may have interrupted.
        os.write(2, b"\ndcdist: ending; what was fetched is kept (once more: end at once)\n")
