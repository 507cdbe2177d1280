"""The inputs that were worth keeping: one file a target, one input a line, in base64."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

FOLDER = Path(__file__).parent


def kept(name: str) -> list[bytes]:
    """The inputs of one target; none if there is no file yet."""
    path = FOLDER / f"{name}.txt"
    return [base64.b64decode(line) for line in path.read_text().splitlines()] if path.exists() else []


def keep(name: str, inputs: Iterable[bytes]) -> None:
    """Replace the inputs of one target."""
    lines = sorted((base64.b64encode(each).decode() for each in inputs), key=lambda line: (len(line), line))
    (FOLDER / f"{name}.txt").write_text("".join(f"{line}\n" for line in lines))
