"""Shows what was found on a host: a line for each check, and what to do; or JSON for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcdist.checkup.findings.finding import FindingState
from dcdist.cli.display.output import emit, say
from dcdist.cli.display.records import record
from dcdist.shown_text import on_one_line

if TYPE_CHECKING:
    from dcdist.checkup.findings.finding import Checkup, Finding
    from dcdist.cli.faults import Json

_LABELS = {
    FindingState.OK: "ok",
    FindingState.WARNING: "WARNING",
    FindingState.FAILED: "FAILED",
    FindingState.SKIPPED: "skipped",
}
_INDENT = " " * 23


def lines(finding: Finding) -> str:
    """How a check ended, and below it what to do."""
    told = f"{_LABELS[finding.state]:9}{finding.check:14}{on_one_line(finding.message)}"
    return f"{told}\n{_INDENT}-> {on_one_line(finding.advice)}" if finding.advice else told


def totals(checkup: Checkup) -> dict[str, Json]:
    """The closing record."""
    counts: dict[str, Json] = {state.value: len(checkup.with_state(state)) for state in FindingState}
    return {"event": "examined", "ready": checkup.ready, **counts}


class CheckupDisplay:
    """Shows each finding as soon as it is known."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json

    def report(self, finding: Finding) -> None:
        """A check ended."""
        if self._as_json:
            emit(record(finding))
        else:
            say(lines(finding))

    def finish(self, checkup: Checkup) -> None:
        """All checks ended."""
        if self._as_json:
            emit(totals(checkup))
        elif checkup.ready:
            warnings = len(checkup.with_state(FindingState.WARNING))
            say("this host is ready for a fetch" + (f", with {warnings} warning(s)" if warnings else ""))
