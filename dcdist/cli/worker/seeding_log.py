"""`CACHE/seeding.log`: the log of a process that goes on seeding after its command has ended."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING

from dcdist.cli.display.words import line
from dcdist.engine.fetch_events import GaveWay, Progress, TookOver, Troubled
from dcdist.model.quantities import show_bytes, show_duration
from dcdist.output_file import open_output
from dcdist.shown_text import printable

if TYPE_CHECKING:
    from pathlib import Path

    from dcdist.engine.fetch_events import FetchEvent

_LIMIT = 1 << 20
"""Bytes at which the log starts over."""


class SeedingLog:
    """The log of one process. Once open, standard output and standard error go there too."""

    def __init__(self, cache: Path, what: str) -> None:
        self.path = cache / "seeding.log"
        self._what = what
        self.problem = ""
        """Why nothing can be written there; empty if it can."""
        self._open = False
        self._begun = False
        self._given = 0

    def open(self) -> None:
        """Let go of the command's standard output and error; if the log cannot be opened, its lines are lost."""
        self._open = True
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError, AttributeError):
                stream.flush()
        descriptor = self._descriptor()
        os.dup2(descriptor, 1)
        os.dup2(descriptor, 2)
        os.close(descriptor)

    def begin(self, seconds: float) -> None:
        """Seeding begins, for `seconds`; 0: without end."""
        self._begun = True
        self.note(f"seeding {self._what}" + (f" for {show_duration(seconds)}" if seconds else ""))

    def note(self, text: str) -> None:
        """A line with time and process, if the log is open."""
        if self._open:
            now = datetime.now().astimezone().isoformat(timespec="seconds")
            with suppress(OSError):
                # What goes on over several lines, as a traceback does, is not taken for a line of its own.
                told = printable(text.rstrip()).replace("\n", "\n    ")
                os.write(2, f"{now} {os.getpid()} {told}\n".encode(errors="backslashreplace"))

    def note_event(self, event: FetchEvent) -> None:
        """What happens while seeding."""
        if isinstance(event, Troubled):
            self.note(event.message)
        elif isinstance(event, Progress):
            self._given = event.bytes.given
        elif isinstance(event, TookOver | GaveWay):
            self.note(line(event))

    def close(self) -> None:
        """The process ends."""
        if self._begun:
            self.note(f"seeding {self._what} ended: {show_bytes(self._given)} given to others")

    def _descriptor(self) -> int:
        try:
            descriptor = open_output(self.path)
            if os.fstat(descriptor).st_size > _LIMIT:
                os.ftruncate(descriptor, 0)
        except OSError as error:
            self.problem = f"nothing is written to the log {self.path}: {error.strerror}"
            return os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
        return descriptor
