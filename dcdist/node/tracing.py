"""Writes a planner's trace to a file; a file that cannot be written ends the trace, never the fetch."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from dcdist.errors import DiskError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@contextmanager
def writing_trace(path: Path) -> Iterator[Callable[[str], None]]:
    """A function that writes lines to `path`, which is overwritten.

    Raises:
        DiskError: It cannot be created.
    """
    try:
        file = path.open("w")
    except OSError as fault:
        raise DiskError(f"the trace {path} cannot be written: {fault.strerror}", path=str(path)) from fault
    failed = False

    def write(line: str) -> None:
        nonlocal failed
        if not failed:
            try:
                file.write(line)
            except OSError:
                failed = True

    try:
        yield write
    finally:
        try:
            file.close()
        except OSError:
            failed = True
