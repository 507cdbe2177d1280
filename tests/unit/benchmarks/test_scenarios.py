"""Which link each host has, and when each begins."""

from __future__ import annotations

import pytest

from benchmarks.compare.scenarios import SUMMARIES, build, chosen
from tools.lab.network import Link

RATE = 50e6


def made(name: str) -> dict[str, tuple[Link, float]]:
    scenario = build(name, 4, RATE, RATE, 40.0)
    return {host: (link, scenario.starts[host]) for host, link in scenario.hosts.items()}


@pytest.mark.parametrize("name", SUMMARIES)
def test_every_scenario_has_all_hosts_and_a_limit(name: str) -> None:
    scenario = build(name, 4, RATE, RATE, 40.0)

    assert list(scenario.hosts) == list(scenario.starts) == ["h1", "h2", "h3", "h4"]
    assert set(scenario.judged) <= set(scenario.hosts)
    assert scenario.limit(250_000_000, lambda rate: rate / 8).seconds >= 40.0


@pytest.mark.parametrize(("name", "store"), [("cold", RATE), ("ample", 4 * RATE), ("scarce", RATE / 2)])
def test_the_store_is_as_its_scenario_says(name: str, store: float) -> None:
    assert build(name, 4, RATE, RATE, 40.0).store == Link(store, store)


def test_hosts_start_a_quarter_of_a_download_apart() -> None:
    assert [start for _, start in made("staggered").values()] == [0.0, 10.0, 20.0, 30.0]


def test_the_late_host_starts_when_half_of_the_limit_has_passed() -> None:
    assert [start for _, start in made("late-joiner").values()] == [0.0, 0.0, 0.0, 20.0]


def test_one_host_is_slow_and_not_judged() -> None:
    scenario = build("one-slow-host", 4, RATE, RATE, 40.0)

    assert scenario.hosts["h1"] == Link(RATE / 4, RATE / 4)
    assert scenario.judged == ("h2", "h3", "h4")


def test_slow_upload_leaves_download_alone() -> None:
    assert made("slow-up")["h3"][0] == Link(RATE / 4, RATE)


def test_an_unknown_scenario_is_refused() -> None:
    with pytest.raises(ValueError, match="no scenario is called 'hot'"):
        build("hot", 4, RATE, RATE, 40.0)


def test_a_scenario_may_name_its_contenders() -> None:
    assert chosen("cold,ample:nfs,update:aria2+casync") == (
        ("cold", "ample", "update"),
        {"ample": ("nfs",), "update": ("aria2", "casync")},
    )
