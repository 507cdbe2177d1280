"""Child processes that run a piece of Python, say when they are ready, and are killed."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_ROOT = Path(__file__).parents[2]


@contextmanager
def python_child(code: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run `code` with `arguments` in sys.argv[1:], wait for its first line of output; at the end it is killed (-9)."""
    child = subprocess.Popen(
        [sys.executable, "-c", code, *arguments], cwd=_ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with child:
        try:
            assert child.stdout is not None
            assert child.stdout.readline() == "ready\n"
            yield child
        finally:
            child.kill()
