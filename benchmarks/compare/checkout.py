"""A checkout of this project: its package, copied and compiled, so that a race runs exactly that code.

Invariant: the checkout itself is only read, and edits to it during a run change nothing.
"""

from __future__ import annotations

import compileall
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from benchmarks.contenders import environment
from benchmarks.measure import BenchmarkError

if TYPE_CHECKING:
    from pathlib import Path

PACKAGE = "dcdist"


def require(checkout: Path) -> None:
    """Refuse a directory that has no dcdist.

    Raises:
        BenchmarkError: It has none.
    """
    if not (checkout / PACKAGE / "__main__.py").is_file():
        raise BenchmarkError(f"{checkout} is not a checkout of dcdist: it has no {PACKAGE}/__main__.py")


def copy(checkout: Path, folder: Path) -> None:
    """Copy the checkout's package into the new directory `folder`, with its bytecode.

    Raises:
        BenchmarkError: It does not start from there.
    """
    shutil.copytree(checkout / PACKAGE, folder / PACKAGE, ignore=shutil.ignore_patterns("__pycache__"))
    compileall.compile_dir(folder, quiet=2)
    ask = [sys.executable, "-c", f"import {PACKAGE}; print({PACKAGE}.__file__)"]
    surroundings = environment(python_path(folder))
    done = subprocess.run(ask, cwd=folder, env=surroundings, capture_output=True, text=True, check=False)
    if not done.stdout.startswith(str(folder)):
        raise BenchmarkError(f"{checkout} does not run here: {(done.stderr or done.stdout).strip()}")


def python_path(folder: Path) -> dict[str, str]:
    """The variables that make Python take the package from `folder`, and not from the current directory."""
    return {"PYTHONPATH": str(folder), "PYTHONSAFEPATH": "1"}
