"""Writes the report of a comparison."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from benchmarks.compare.outcome import to_json

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.compare.outcome import Comparison


def write(comparison: Comparison, folder: Path) -> str:
    """TODO."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "comparison.json").write_text(json.dumps(to_json(comparison)))
    return ""
