"""What the runs came to, as JSON: one entry a target, the last run of each, beside what the figures depend on."""

from __future__ import annotations

import hashlib
import inspect
import json
import platform
from dataclasses import asdict, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from tests.fuzz.registry import target

if TYPE_CHECKING:
    from tests.fuzz.campaigns.run import Report

PROJECT = Path(__file__).resolve().parents[3]


def note(path: Path, report: Report) -> None:
    """Put a report into the file, in place of the last one of its target."""
    found = json.loads(path.read_text()) if path.exists() else {"targets": {}}
    plain = asdict(report)
    made_by = {"code": code(report.target), "python": platform.python_version(), "atheris": _atheris()}
    name = plain.pop("target")
    found["targets"][name] = plain | made_by
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(found, indent=1) + "\n")


def continued(path: Path, report: Report) -> Report:
    """The report with what the file has of runs that it continues: those of the same code that found nothing."""
    done = _unfinished(path, report.target)
    return replace(
        report,
        executions=report.executions + int(done.get("executions", 0)),
        seconds=round(report.seconds + done.get("seconds", 0), 1),
        processor_seconds=round(report.processor_seconds + done.get("processor_seconds", 0), 1),
    )


def executions_before(path: Path, name: str) -> int:
    """The executions of a target that earlier runs of the same code had, which found nothing and ended early."""
    return int(_unfinished(path, name).get("executions", 0))


def code(name: str) -> str:
    """What decides how the executions of a target go: a digest of its decoders, what they build on, and itself."""
    files = {Path(inspect.getfile(inspect.unwrap(each))) for each in target(name).decoders}
    files |= {*PROJECT.glob("dcdist/formats/*.py"), *PROJECT.glob("dcdist/model/*.py")}
    if name == "planner":
        files |= {*PROJECT.glob("dcdist/policy/**/*.py"), PROJECT / "tests" / "support" / "hostile_steps.py"}
    files |= {PROJECT / "tests" / "fuzz" / each for each in ("recipes.py", "objects.py", f"targets/{name}.py")}
    hasher = hashlib.sha256()
    for file in sorted(files):
        hasher.update(file.read_bytes())
    return hasher.hexdigest()[:16]


def is_reached(path: Path, name: str) -> bool:
    """Whether the last run of a target in the file reached its bounds."""
    found = json.loads(path.read_text())["targets"] if path.exists() else {}
    return bool(found.get(name, {}).get("reached"))


def line(report: Report) -> str:
    """A report for people."""
    state = "broke" if report.finding else "reached both bounds" if report.reached else "ended before its bounds"
    rate = report.executions / max(report.seconds, 1)
    return (
        f"{report.target}: {state}; {report.executions:,} executions in {report.seconds:.0f} s ({rate:.0f} a second), "
        f"{report.edges} edges, {report.features} features, no new edge for {report.quiet:.0f} s"
    )


def _atheris() -> str:
    try:
        return version("atheris")
    except PackageNotFoundError:
        return "none"


def _unfinished(path: Path, name: str) -> dict[str, float]:
    found = json.loads(path.read_text())["targets"].get(name, {}) if path.exists() else {}
    same = found.get("code") == code(name) and not found.get("finding") and not found.get("reached")
    names = ("executions", "seconds", "processor_seconds")
    return {each: float(found[each]) for each in names} if same else {}
