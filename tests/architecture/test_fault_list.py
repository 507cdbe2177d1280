"""The list of faults in the documents is that of the tests."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_each_fault_that_is_tried_is_listed_with_its_outcome_and_no_other() -> None:
    tried = {
        name
        for file in (ROOT / "tests" / "fault").glob("test_*.py")
        for name in re.findall(r"^(?:async )?def (test_\w+)", file.read_text(), re.MULTILINE)
    }
    listed = re.findall(r"^\|[^|]+\|[^|]+\| `(test_\w+)` \|$", (ROOT / "docs" / "faults.md").read_text(), re.MULTILINE)

    assert sorted(listed) == sorted(tried)
