"""What the system shows and keeps of this process: its arguments, its environment, its core.

Invariant: only memory that holds the arguments and the environment that this process was started with is overwritten;
where the system does not say where that is, nothing is, and the caller is told. Sources: proc(5), prctl(2).
"""

from __future__ import annotations

import ctypes
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_GET_DUMPABLE, _SET_DUMPABLE, _SET_NO_NEW_PRIVS = 3, 4, 38
_ARGUMENTS, _ENVIRONMENT = 45, 47
"""Where /proc/self/stat has the first addresses of the two blocks, counted behind the name of the program; the end of
each comes next."""


def rewrite_arguments(rewrite: Callable[[list[bytes]], list[bytes]]) -> bool:
    """Show others, as in `ps`, what `rewrite` makes of the arguments; cut at the old length. Whether that succeeded."""

    def rewritten(block: bytes) -> bytes:
        before = block.rstrip(b"\0").split(b"\0")
        after = rewrite(before)
        # The last byte stays null: else the kernel takes what comes behind it for arguments too.
        return block if after == before else b"\0".join(after)[: len(block) - 1]

    return _overwrite(_ARGUMENTS, rewritten)


def erase_variables(names: set[bytes]) -> bool:
    """Remove variables from the environment that others see, and programs that are started; `os.environ` keeps them.

    Returns whether that succeeded.
    """
    for name in names:
        os.unsetenv(name)

    def erased(block: bytes) -> bytes:
        entries = block.split(b"\0")
        return b"\0".join(bytes(len(each)) if each.partition(b"=")[0] in names else each for each in entries)

    return _overwrite(_ENVIRONMENT, erased)


def leave_no_core() -> None:
    """A crash leaves no image of the memory, and only root may read it while the process runs."""
    _prctl(_SET_DUMPABLE, 0)


def gain_no_privileges() -> None:
    """From now on no program that a thread of this process starts gets more rights than it has."""
    _prctl(_SET_NO_NEW_PRIVS, 1)


def _overwrite(position: int, change: Callable[[bytes], bytes]) -> bool:
    """Replace a block by what `change` makes of it, filled up with null bytes; whether that succeeded."""
    try:
        with open("/proc/self/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
        start, end = int(fields[position]), int(fields[position + 1])
        with _own_memory() as memory:
            before = os.pread(memory, end - start, start)
            after = change(before).ljust(len(before), b"\0")
            return before == after or os.pwrite(memory, after, start) == len(before)
    except (OSError, ValueError, IndexError, OverflowError):
        return False  # there is no /proc, or it does not say


@contextmanager
def _own_memory() -> Iterator[int]:
    """A descriptor of the memory; other than by a pointer, a wrong address is an error there, and no crash."""
    dumpable = _prctl(_GET_DUMPABLE, 0)
    _prctl(_SET_DUMPABLE, 1)  # else only root may open it
    try:
        memory = os.open("/proc/self/mem", os.O_RDWR | os.O_CLOEXEC)
    finally:
        _prctl(_SET_DUMPABLE, max(dumpable, 0))
    try:
        yield memory
    finally:
        os.close(memory)


def _prctl(option: int, value: int) -> int:
    """The result; -1 where the C library or the kernel has no such call."""
    library = ctypes.CDLL(None)
    return int(library.prctl(option, value, 0, 0, 0)) if hasattr(library, "prctl") else -1
