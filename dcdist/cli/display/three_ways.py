"""The three ways to show how a command goes: JSON for programs, a live display on a terminal, lines in a log."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from rich.console import Console
    from rich.progress import Progress, ProgressColumn

Display = TypeVar("Display")


@contextmanager
def one_of_three(
    *,
    as_json: bool,
    json: Callable[[], Display],
    terminal: Callable[[], AbstractContextManager[Display]],
    lines: Callable[[], Display],
) -> Iterator[Display]:
    """The display that suits standard output; it is made when it is chosen."""
    if as_json:
        yield json()
    elif sys.stdout.isatty():
        with terminal() as display:
            yield display
    else:
        yield lines()


@contextmanager
def live_bars(*columns: ProgressColumn | str) -> Iterator[tuple[Progress, Console]]:
    """Bars that disappear at the end, and the console that prints above them."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(highlight=False, markup=False)
    with Progress(*columns, console=console, transient=True) as bars:
        yield bars, console
