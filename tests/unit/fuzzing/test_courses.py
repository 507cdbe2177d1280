"""Long courses of the planner: a finding is cut down to the steps that it takes, and kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcdist.policy.reasons import standstill
from tests.fuzz.campaigns import courses
from tests.support.hostile_steps import HEAD

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_what_breaks_nothing_is_left_out_of_a_finding() -> None:
    course = b"hhh" + b"aabbccddeeff"
    assert courses.cut_down(course, lambda each: b"bb" in each and b"ee" in each) == b"hhhbbee"


def test_a_host_that_bears_too_much_is_found_and_its_course_breaks_the_bound_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(standstill, "stands_still", lambda *_, **__: False)

    assert courses.main(["--steps", "100000", "--seed", "7", "--findings", str(tmp_path)]) == 3
    (kept,) = tmp_path.iterdir()
    assert "seed" in capsys.readouterr().out
    assert courses.broken(kept.read_bytes())
    assert len(kept.read_bytes()) < HEAD + 400


def test_the_bound_holds_at_each_of_ten_thousand_steps(tmp_path: Path) -> None:
    assert courses.main(["--steps", "10000", "--findings", str(tmp_path)]) == 0
