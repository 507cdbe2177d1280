"""A copy of this process that does some work, with a pipe to it and one back.

Invariant: the copy inherits standard error and nothing else that is open, and never returns into the code that made it.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
import traceback
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

from dcdist.cli.standard_streams import fill_standard_places

if TYPE_CHECKING:
    from collections.abc import Callable

_MANY_FILES = 1 << 16
"""More than a command has open when it forks."""


class Forked:
    """Runs `work` in a copy of this process, in a session of its own; what it returns is the exit code.

    What is written to `stdin` here is the standard input of `work`, and its standard output is read from `stdout`. The
    copy has everything that is imported here, which a new interpreter would import again. There must be no other
    thread.
    """

    def __init__(self, work: Callable[[], int]) -> None:
        """Start it.

        Raises:
            OSError: The process or a pipe cannot be created.
        """
        self.returncode: int | None = None
        """The exit code, or minus the number of the signal that ended it; None while it is not known."""
        _flush()  # or both processes would write what is in the buffers
        # Else a pipe could get the number of a standard stream that is closed here, and pass for it there.
        fill_standard_places()
        theirs_in, ours_out = os.pipe()
        ours_in, theirs_out = os.pipe()
        # A signal in between would run a handler of this process in the other.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        try:
            self.pid = os.fork()
            if self.pid == 0:
                _become(work, theirs_in, theirs_out, before)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            os.close(theirs_in)
            os.close(theirs_out)
        self.stdin = os.fdopen(ours_out, "wb", buffering=0)
        self.stdout = os.fdopen(ours_in, "rb")

    def wait(self) -> int:
        """Wait for its end; the return code."""
        if self.returncode is None:
            _, status = os.waitpid(self.pid, 0)
            self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it is known to have ended."""
        if self.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)


def _become(work: Callable[[], int], stdin: int, stdout: int, blocked: set[int | signal.Signals]) -> NoReturn:
    code = 1
    try:
        os.setsid()
        _start_afresh(stdin, stdout)
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        code = work()
    except SystemExit as asked:
        code = asked.code if isinstance(asked.code, int) else int(asked.code is not None)
    except BaseException:  # as an interpreter does at its end
        with suppress(OSError):
            os.write(2, traceback.format_exc().encode(errors="backslashreplace"))
    finally:
        _flush()
        os._exit(code)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            with suppress(OSError, ValueError):
                stream.flush()


def _start_afresh(stdin: int, stdout: int) -> None:
    """Signals and files as a new process has them."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if callable(signal.getsignal(number)):
            signal.signal(number, signal.SIG_DFL)
    os.dup2(stdin, 0)
    os.dup2(stdout, 1)
    try:
        opened = [int(name) for name in os.listdir("/dev/fd")]
    except OSError:  # as in a chroot without /proc
        os.closerange(3, _open_files_at_most())
        return
    for descriptor in opened:
        if descriptor > 2:
            with suppress(OSError):  # the one of the listing itself is closed already
                os.close(descriptor)


def _open_files_at_most() -> int:
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return _MANY_FILES if limit == resource.RLIM_INFINITY else min(limit, _MANY_FILES)
