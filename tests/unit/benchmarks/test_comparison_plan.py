"""Who races where, how often, and in which order; and how a run against another checkout is told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.compare import checkout
from benchmarks.compare.command import rerun, to_the_end
from benchmarks.compare.contenders import every, usual
from benchmarks.compare.plan import Plan, in_turn, patience, turns
from benchmarks.measure import BenchmarkError

ELSEWHERE = Path("/somewhere/else")


def plan(*names: str, scenarios: tuple[str, ...] = ("cold",), rounds: int = 2) -> Plan:
    found = tuple(each for each in every(ELSEWHERE) if each.name in names)
    return Plan(
        hosts=2,
        rate=5e7,
        store_rate=5e7,
        size=1 << 20,
        real=None,
        scenarios=scenarios,
        contenders=found,
        only={},
        rounds=rounds,
    )


def told(one: Plan) -> list[tuple[int, str, str]]:
    return [(number, scenario, contender.name) for number, scenario, contender in turns(one)]


def test_another_checkout_races_beside_this_one_in_every_round() -> None:
    assert told(plan("dcdist", "before", scenarios=("cold", "scarce"))) == [
        (0, "cold", "before"),
        (0, "cold", "dcdist"),
        (0, "scarce", "before"),
        (0, "scarce", "dcdist"),
        (1, "cold", "dcdist"),
        (1, "cold", "before"),
        (1, "scarce", "dcdist"),
        (1, "scarce", "before"),
    ]


def test_over_four_rounds_of_two_each_begins_and_ends_twice() -> None:
    pair = plan("dcdist", "before").contenders

    orders = [tuple(each.name for each in in_turn(pair, number)) for number in range(4)]
    assert orders == [("before", "dcdist"), ("dcdist", "before"), ("dcdist", "before"), ("before", "dcdist")]


def test_what_sends_all_from_one_place_races_once_and_in_few_scenarios() -> None:
    assert told(plan("nfs", "casync", scenarios=("cold", "scarce", "update"))) == [
        (0, "cold", "nfs"),
        (0, "update", "nfs"),
        (0, "update", "casync"),
    ]


def test_what_sends_all_from_one_place_is_called_off_but_where_it_is_to_end() -> None:
    one = replace(plan("dcdist", "nfs", "rclone", scenarios=("cold", "ample", "scarce")), call_off=1.1)
    one = replace(one, to_the_end=to_the_end("cold,ample:nfs", one.scenarios))

    found = {
        (scenario, contender.name): patience(one, scenario, contender)
        for scenario in one.scenarios
        for contender in one.contenders
    }
    assert [name for name, times in found.items() if times is not None] == [
        ("ample", "rclone"),
        ("scarce", "rclone"),
        ("scarce", "nfs"),
    ]
    assert set(found.values()) == {None, 1.1}
    assert ("scarce", "nfs") in {(scenario, name) for number, scenario, name in told(one) if number == 0}
    assert not {"nfs", "rclone"} & {name for number, _, name in told(one) if number > 0}


def test_a_scenario_that_does_not_race_cannot_be_raced_to_the_end() -> None:
    with pytest.raises(BenchmarkError, match="--to-the-end names hot, bfs"):
        to_the_end("hot,cold:bfs", ("cold", "ample"))


def test_another_checkout_is_known_only_when_one_is_given() -> None:
    assert {"before", "before-egress"} <= {each.name for each in usual(ELSEWHERE)}
    assert not {"before", "before-egress"} & {each.name for each in every(None)}


def test_a_directory_without_dcdist_is_not_a_checkout(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match=r"is not a checkout of dcdist: it has no dcdist/__main__\.py"):
        checkout.require(tmp_path)


def test_a_report_names_commits_and_no_directories() -> None:
    arguments = ["compare", "--out", "/home/me/report", "--against=/home/me/old", "--hosts", "3"]

    assert rerun(arguments, "d57f93e") == "python -m benchmarks compare --against d57f93e --hosts 3"
