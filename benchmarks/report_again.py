"""Writes the report of a comparison once more from its data, after the plots or the page have changed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.compare import reporting
from benchmarks.measure import BenchmarkError

if TYPE_CHECKING:
    import argparse

SUMMARY = "write the report of an earlier comparison again"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    parser.add_argument("folder", type=Path, help="with its comparison.json")


def run(options: argparse.Namespace) -> int:
    """Write it, print the table.

    Raises:
        BenchmarkError: There is no comparison.
    """
    try:
        comparison = reporting.load(options.folder)
    except (OSError, ValueError, KeyError, TypeError) as fault:
        raise BenchmarkError(f"{options.folder} has no comparison: {fault}") from fault
    print(reporting.write(comparison, options.folder))
    return 0
