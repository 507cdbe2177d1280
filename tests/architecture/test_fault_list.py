"""The list of faults in the documents is that of the tests."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def _tests_below(folder: Path) -> set[str]:
    return {
        name
        for file in folder.rglob("test_*.py")
        for name in re.findall(r"^(?:async )?def (test_\w+)", file.read_text(), re.MULTILINE)
    }


def _listed() -> list[str]:
    return re.findall(r"^\|[^|]+\|[^|]+\| `(test_\w+)` \|$", (ROOT / "docs" / "faults.md").read_text(), re.MULTILINE)


def test_each_fault_that_is_tried_is_listed_with_its_outcome_once() -> None:
    listed = _listed()

    assert sorted(set(listed)) == sorted(listed)
    assert _tests_below(ROOT / "tests" / "fault") <= set(listed)


def test_each_fault_that_is_listed_is_tried_by_a_test_of_that_name() -> None:
    assert set(_listed()) <= _tests_below(ROOT / "tests")


def test_no_test_is_named_in_the_list_but_in_its_tables() -> None:
    named = re.findall(r"`(test_\w+)`", (ROOT / "docs" / "faults.md").read_text())

    assert sorted(named) == sorted(_listed())
