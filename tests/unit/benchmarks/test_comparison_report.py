"""The report: medians over rounds, failures shown and never dropped, a page that needs nothing else."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from benchmarks.compare import reporting
from benchmarks.compare.outcome import Comparison, HostOutcome, Race, Sample, from_json, to_json
from benchmarks.compare.page import findings
from benchmarks.compare.summary import rows
from benchmarks.compare.table import text
from benchmarks.compare.versus import sentence, versus
from benchmarks.measure import PROJECT

if TYPE_CHECKING:
    from pathlib import Path


def race(
    contender: str,
    last: float,
    *,
    scenario: str = "cold",
    copies: float = 1.0,
    number: int = 0,
    failure: str = "",
    called_off: float | None = None,
) -> Race:
    hosts = tuple(HostOutcome(f"h{each}", 0.0, last - 2 + each, 1000, 900) for each in (1, 2))
    samples = tuple(Sample(each / 4, each * 10, (each * 9, each * 9)) for each in range(1, 40))
    return Race(
        scenario=scenario,
        contender=contender,
        round=number,
        size=1000,
        copy=1000,
        limit_seconds=10.0,
        limit_copies=1.0,
        own_limits={"h1": 5.0, "h2": 5.0},
        judged=("h1", "h2"),
        together=scenario != "staggered",
        hosts=() if failure or called_off else hosts,
        store_sent=round(copies * 1000),
        samples=samples,
        cpu=0.5,
        failure=failure or None,
        called_off=called_off,
    )


def comparison(*races: Race) -> Comparison:
    names = {one.contender for one in races}
    return Comparison(
        about={"command": "python -m benchmarks compare", "hosts": "2", "rounds": "3"},
        versions=dict.fromkeys(sorted(names), "1.0"),
        titles={name: f"<{name}>" for name in sorted(names)},
        rates={"50000000": 5.98e6},
        races=races,
    )


def test_a_row_is_the_median_of_its_rounds() -> None:
    (row,) = rows(comparison(*(race("dcdist", last, number=number) for number, last in enumerate((12.0, 30.0, 11.0)))))

    assert row.last is not None
    assert row.over_limit is not None
    assert (row.last.least, row.last.median, row.last.most) == (11.0, 12.0, 30.0)
    assert row.over_limit.median == 1.2
    assert row.received == 0.001
    assert row.peers == 0.5


def test_hosts_that_do_not_start_together_are_measured_against_their_own_limit() -> None:
    (row,) = rows(comparison(race("dcdist", 12.0, scenario="staggered")))

    assert row.over_limit is not None
    assert row.over_limit.median == 12.0 / 5.0


def test_the_quickest_stands_first_and_failures_are_shown() -> None:
    told = comparison(race("nfs", 80.0, copies=8), race("aria2", 0.0, failure="h1: no peer"), race("dcdist", 11.0))

    assert [row.contender for row in rows(told)] == ["dcdist", "nfs", "aria2"]
    lines = text(rows(told)).splitlines()
    assert re.search(r"cold +dcdist +11\.0 +1\.10 +1\.00", lines[1])
    assert re.search(r"aria2 \(1 of 1 failed\) +failed", lines[3])


def test_who_was_called_off_as_planned_did_not_fail() -> None:
    told = comparison(
        race("rclone", 0.0, failure="h1: no answer"), race("nfs", 0.0, called_off=1.1), race("dcdist", 11.0)
    )

    found = rows(told)
    assert [(row.contender, row.failed, row.called_off) for row in found] == [
        ("dcdist", 0, None),
        ("nfs", 0, 1.1),
        ("rclone", 1, None),
    ]
    lines = text(found).splitlines()
    assert re.search(r"cold +nfs +called off at 1\.1 x +1\.00$", lines[2])
    assert "the quickest other way, <nfs>, was called off at 1.1 times the limit." in findings(found)[0]


def test_the_headline_tells_of_every_dcdist_and_not_of_the_better_one_alone() -> None:
    told = rows(comparison(race("dcdist", 15.0), race("dcdist-egress", 11.0), race("aria2", 12.0)))

    (said,) = findings(told)
    assert "<dcdist> needs 1.50 times" in said
    assert "<dcdist-egress> needs 1.10 times" in said


def test_the_headline_says_that_dcdist_failed() -> None:
    (said,) = findings(rows(comparison(race("dcdist", 0.0, failure="h1: crashed"), race("aria2", 12.0))))

    assert said.startswith("cold: <dcdist> failed; ")


def test_hosts_that_start_apart_are_measured_against_their_own_time() -> None:
    told = rows(comparison(*(replace(race(name, 12.0), scenario="staggered") for name in ("dcdist", "aria2"))))

    (said,) = findings(told)
    assert "<dcdist> needs 1.20 times a host's own F/d" in said


def test_the_slow_host_is_told_apart_from_those_that_are_judged() -> None:
    (row,) = rows(comparison(replace(race("dcdist", 12.0), judged=("h1",))))

    assert row.last is not None
    assert row.apart is not None
    assert (row.last.median, row.apart.median) == (11.0, 12.0 / 5.0)


def test_a_comparison_survives_json() -> None:
    told = comparison(race("dcdist", 11.0), race("nfs", 80.0))

    assert from_json(json.loads(json.dumps(to_json(told)))) == told


def test_the_page_needs_nothing_else_and_tells_all(tmp_path: Path) -> None:
    told = comparison(race("dcdist", 11.0), race("nfs", 80.0, copies=8), race("aria2", 0.0, failure="h1: <no> peer"))
    told = replace(told, races=(*told.races, race("rclone", 0.0, called_off=1.1)))
    reporting.save(told, tmp_path)
    # In a process of its own: the plots keep their fonts open.
    table = subprocess.run(
        [sys.executable, "-m", "benchmarks", "report-again", str(tmp_path)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    page = (tmp_path / "index.html").read_text()
    assert {each.name for each in tmp_path.iterdir()} == {"comparison.json", "index.html", "cold.png", "overview.png"}
    assert not re.search(r"(src|href)=\"(?!#)", page)
    assert page.count("<svg") == 2
    assert "needs 1.10 times the limit" in page
    assert "h1: &lt;no&gt; peer" in page
    assert "&lt;nfs&gt;" in page
    assert table.startswith("scenario")
    assert reporting.load(tmp_path) == told


def test_another_checkout_is_told_as_ratios_of_medians_for_each_scenario(tmp_path: Path) -> None:
    told = comparison(
        *(race("dcdist", last, number=number, copies=1.05) for number, last in enumerate((11.0, 12.0, 99.0))),
        *(race("before", last, number=number, copies=1.0) for number, last in enumerate((16.0, 14.0, 15.0))),
        race("dcdist-egress", 12.0, scenario="scarce"),
        race("before-egress", 0.0, scenario="scarce", failure="h1: crashed"),
    )

    assert [sentence(pair) for pair in versus(rows(told))] == [
        "cold: dcdist beside before: 0.800 times the time, 1.050 times the copies",
        "scarce: dcdist-egress beside before-egress: no good round of one of them",
    ]
    reporting.save(told, tmp_path)
    (first, second) = json.loads((tmp_path / "comparison.json").read_text())["against"]
    assert first == {"scenario": "cold", "contender": "dcdist", "before": "before", "time": 0.8, "copies": 1.05}
    assert (second["time"], second["copies"]) == (None, None)
    assert reporting.load(tmp_path) == told


def test_another_checkout_is_not_another_way_of_distribution() -> None:
    told = rows(comparison(race("dcdist", 15.0), race("before", 11.0), race("aria2", 12.0)))

    (said,) = findings(told)
    assert "the quickest other way, <aria2>" in said
