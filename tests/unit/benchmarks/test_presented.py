"""README and docs/benchmarks.md show what was recorded: tables between their marks, and the picture."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest

from benchmarks.compare import markdown, reporting
from benchmarks.measure import PROJECT, BenchmarkError
from benchmarks.present import BEGIN, END, PICTURES, RECORDED, TABLES, replaced
from tests.unit.benchmarks.test_comparison_report import comparison, race

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.compare.outcome import Comparison


def small() -> Comparison:
    """Three rounds of three contenders; one scenario in which only dcdist raced."""
    return comparison(
        *(race("dcdist", last, number=number, copies=1.05) for number, last in enumerate((11.0, 10.5, 12.0))),
        *(race("dcdist-egress", 10.8, number=number, copies=1.01) for number in range(3)),
        race("nfs", 80.0, copies=8),
        race("dcdist", 14.0, scenario="scarce"),
        race("nfs", 0.0, scenario="scarce", called_off=1.1),
        race("dcdist", 11.0, scenario="late-joiner"),
    )


def test_the_table_names_options_and_has_median_range_and_copies_of_each_scenario() -> None:
    assert markdown.short(small()).splitlines() == [
        "| time over the limit, copies | cold | scarce store |",
        "| --- | --- | --- |",
        "| *the limit, the fewest copies* | 10 s, 1.00 | 10 s, 1.00 |",
        "| **`dcdist --prefer time`** | 1.10 (1.05-1.20) x, 1.05 | 1.40 x, 1.00 |",
        "| **`dcdist --prefer egress`** | 1.08 (1.08-1.08) x, 1.01 |  |",
        "| NFS (ganesha, nfs-cp) | 8.00 x, 8.00 | called off at 1.1 x |",
        "",
        "2 hosts of ?, a store of ?, ?; median and range of 3 rounds, where hosts trade; commit ?.",
    ]


def test_a_round_that_failed_is_said_beside_the_others() -> None:
    told = comparison(race("dcdist", 11.0), race("dcdist", 0.0, number=1, failure="crashed"), race("nfs", 80.0))

    assert "| **`dcdist --prefer time`** | 1.10 x, 1.00 (1 of 2 rounds failed) |" in markdown.short(told)


def test_the_full_table_has_every_scenario_and_the_command() -> None:
    told = markdown.full(small())

    assert "| late-joiner | **dcdist** | 11.0 | 1.10 | 1.00 | 1.00 | 0 | 50% |" in told
    assert told.endswith("```\npython -m benchmarks compare\n```")


def test_one_command_fills_both_documents_and_draws_for_light_and_dark(tmp_path: Path) -> None:
    reporting.save(small(), tmp_path / "results")
    (tmp_path / "docs").mkdir()
    for name in TABLES:
        (tmp_path / name).write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")

    # In a process of its own: the plots keep their fonts open.
    command = [sys.executable, "-m", "benchmarks", "present", str(tmp_path / "results"), "--into", str(tmp_path)]
    subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)

    for name, table in TABLES.items():
        assert (tmp_path / name).read_text() == f"before\n{BEGIN}\n{table(small())}\n{END}\nafter\n"
    drawn = [(tmp_path / name).read_text() for name in PICTURES]
    assert drawn[0] != drawn[1]
    for svg in drawn:
        assert ElementTree.fromstring(svg).tag == "{http://www.w3.org/2000/svg}svg"
        shown = set(re.findall(r"<!-- (.+?) -->", svg))  # each text, beside its outlines; XML comments have no "--"
        assert {"dcdist - -prefer time", "NFS (ganesha, nfs-cp)", "1.10", "8.00", " called off at 1.1 x"} <= shown


def test_a_document_without_its_marks_is_named(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text(f"{BEGIN}\n")
    with pytest.raises(BenchmarkError, match=r"README\.md must have one place between"):
        replaced(tmp_path / "README.md", "table")


def test_dcdist_alone_is_no_comparison_to_present(tmp_path: Path) -> None:
    alone = replace(small(), races=tuple(one for one in small().races if one.contender != "nfs"))
    reporting.save(alone, tmp_path)

    command = [sys.executable, "-m", "benchmarks", "present", str(tmp_path), "--into", str(tmp_path)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (1, "")
    assert "has no comparison to present: no other way of distribution raced" in done.stderr


@pytest.mark.parametrize("name", TABLES)
def test_the_documents_show_what_was_recorded(name: str) -> None:
    assert replaced(PROJECT / name, TABLES[name](reporting.load(RECORDED))) == (PROJECT / name).read_text()
