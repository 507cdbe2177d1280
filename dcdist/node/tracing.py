"""Writes a planner's trace to a file. A file that can no longer be written ends the trace, and never the fetch."""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from dcdist.errors import DiskError
from dcdist.model.trouble import Troubled
from dcdist.output_file import open_output

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@contextmanager
def writing_trace(path: Path, report: Callable[[Troubled], None]) -> Iterator[Callable[[str], None]]:
    """A function that writes lines to `path`, which is overwritten; `report` gets the reason if the trace ends early.

    Raises:
        DiskError: It cannot be created.
    """
    try:
        file = os.fdopen(open_output(path, anew=True), "w")
    except OSError as fault:
        reason = "nobody reads this pipe" if fault.errno == errno.ENXIO else fault.strerror
        raise DiskError(f"the trace {path} cannot be written: {reason}", path=str(path)) from fault
    failed = False

    def fail(fault: OSError) -> None:
        nonlocal failed
        if not failed:
            failed = True
            report(Troubled(f"the trace {path} ends here: {fault.strerror}", source=str(path)))

    def write(line: str) -> None:
        if not failed:
            try:
                file.write(line)
            except OSError as fault:
                fail(fault)

    try:
        yield write
    finally:
        try:
            file.close()
        except OSError as fault:
            fail(fault)
