"""The calibration of the simulator: simulated hosts begin when the real ones did."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from benchmarks.compare.outcome import Comparison, HostOutcome, Race, Sample, to_json
from benchmarks.measure import BenchmarkError
from benchmarks.sim.calibration import compared, differences, start_ups
from benchmarks.sim.single import layers_of
from dcdist.sim.scenario import HostSpec, Scenario, StoreSpec
from dcdist.sim.simulation import simulate

if TYPE_CHECKING:
    from pathlib import Path

MIB = 1 << 20
SIZE = 8 * MIB
STARTS = (0.0, 0.0, 4.0)
METADATA = 2_000
SAMPLES = (
    Sample(0.0, 0, (0, 0, 0)),
    Sample(1.0, 4_000, (METADATA, METADATA, 0)),
    Sample(1.5, MIB, (MIB, METADATA, 0)),
    Sample(2.5, 2 * MIB, (2 * MIB, MIB, 0)),
    Sample(4.5, 8 * MIB, (4 * MIB, 4 * MIB, METADATA)),
    Sample(5.0, 9 * MIB, (5 * MIB, 5 * MIB, MIB)),
)


def race(scenario: str = "cold", samples: tuple[Sample, ...] = SAMPLES, starts: tuple[float, ...] = STARTS) -> Race:
    names = ("h1", "h2", "h3")
    hosts = tuple(HostOutcome(name, start, 20.0 + start, SIZE, 0) for name, start in zip(names, starts, strict=True))
    judged = names[1:] if scenario == "one-slow-host" else names
    return Race(scenario, "dcdist-egress", 0, SIZE, SIZE, 10.0, 1.0, {}, judged, True, hosts, SIZE, samples, 0.5)


def test_a_host_begins_with_its_first_bytes_of_the_layers_and_not_with_the_manifest() -> None:
    assert start_ups(race()) == (1.0, 1.5, 0.5)


def test_a_race_whose_samples_begin_too_late_is_refused() -> None:
    with pytest.raises(BenchmarkError, match="when h1 began"):
        start_ups(race(samples=SAMPLES[3:]))


def test_the_late_and_the_slow_host_do_not_count() -> None:
    assert compared(race("cold")) == (0, 1, 2)
    assert compared(race("late-joiner")) == (0, 1)
    assert compared(race("one-slow-host")) == (1, 2)


def test_a_simulated_host_registers_after_its_own_start_up() -> None:
    slow_start = HostSpec(MIB, MIB, start_up=3.0)
    layers = layers_of(SIZE)
    usual = simulate(Scenario(layers, (HostSpec(MIB, MIB),), StoreSpec(MIB)))
    slow = simulate(Scenario(layers, (slow_start,), StoreSpec(MIB)))
    assert slow.seconds - usual.seconds == pytest.approx(3.0 - 1.0, abs=0.1)


def test_simulated_hosts_take_as_long_to_start_as_the_real_ones(tmp_path: Path) -> None:
    samples = (Sample(0.0, 0, (0, 0, 0)), Sample(4.0, 0, (0, 0, 0)), Sample(5.0, MIB, (MIB, MIB, MIB)))
    about = {"host link": "10 Mbit/s", "store link": "10 Mbit/s"}
    place = tmp_path / "comparison.json"
    place.write_text(json.dumps(to_json(Comparison(about, {}, {}, {}, (race(samples=samples, starts=(0.0,) * 3),)))))
    (found,) = differences(place, 0.97)
    assert found.real_start == 4.0
    assert found.simulated_last - found.alike_last == pytest.approx(3.0, abs=0.5)
