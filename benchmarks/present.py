"""Puts a recorded comparison into README and docs/benchmarks.md: the tables between their marks, and the picture.

It writes nothing else: what the figures mean is for a person to say, beside them.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.compare import markdown, picture, reporting
from benchmarks.measure import PROJECT, BenchmarkError
from benchmarks.plot_style import svg

if TYPE_CHECKING:
    import argparse

SUMMARY = "put an earlier comparison into README and docs/benchmarks.md: tables and picture"
TABLES = {"README.md": markdown.short, "docs/benchmarks.md": markdown.full}
PICTURES = {"docs/pictures/comparison-light.svg": picture.LIGHT, "docs/pictures/comparison-dark.svg": picture.DARK}
RECORDED = PROJECT / "benchmarks/results/limit"
"""The comparison that they show."""
BEGIN, END = "<!-- comparison -->", "<!-- end of comparison -->"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    parser.add_argument(
        "folder", type=Path, nargs="?", default=RECORDED, help="with its comparison.json (default: %(default)s)"
    )
    parser.add_argument(
        "--into", type=Path, default=PROJECT, metavar="DIR", help="the checkout to write to (default: this one)"
    )


def run(options: argparse.Namespace) -> int:
    """Write tables and pictures.

    Raises:
        BenchmarkError: There is no comparison, nothing to compare in it, or no place in a document.
    """
    try:
        comparison = reporting.load(options.folder)
        drawn = {name: svg(picture.draw(comparison, palette)) for name, palette in PICTURES.items()}
    except (OSError, ValueError, KeyError, TypeError) as fault:
        raise BenchmarkError(f"{options.folder} has no comparison to present: {fault}") from fault
    written = {name: replaced(options.into / name, table(comparison)) for name, table in TABLES.items()}
    for name, text in (written | drawn).items():
        path = options.into / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        print(path)
    return 0


def replaced(path: Path, table: str) -> str:
    """The document with `table` between its marks.

    Raises:
        BenchmarkError: It has no such place, or more than one.
    """
    text = path.read_text()
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end or BEGIN in after or END in after:
        raise BenchmarkError(f"{path} must have one place between {BEGIN} and {END}")
    return f"{before}{BEGIN}\n{table}\n{END}{after}"
