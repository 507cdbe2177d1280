"""What a rule earns is how much worse a situation becomes without it."""

from __future__ import annotations

from functools import partial

from benchmarks.sim.ablation import Came, Gain, Situation, chosen_rules, gains, situations, table
from dcdist.policy.rules import Rule


def came(last: float, without: tuple[str, ...], seed: int) -> Came:
    return Came(last * (1.5 if without else 1.0) + seed, 1.0 + 0.1 * len(without))


def test_a_rule_gains_what_is_lost_without_it_on_the_mean_of_the_seeds() -> None:
    (gain,) = gains(["late-owner"], [Situation("cold", partial(came, 8.0))], seeds=(1, 3))
    assert gain == Gain("late-owner", "cold", 14.0 / 10.0 - 1, 1.1 / 1.0 - 1)


def test_the_table_says_where_a_rule_gains_and_loses_most() -> None:
    found = [
        Gain("slack", "cold", 0.034, 0.0),
        Gain("slack", "ample", -0.021, 0.004),
        Gain("slack", "update", 0.0, 0.0),
    ]
    assert table(found).splitlines()[2:] == ["| `slack` | +3 % (cold) | -2 % (ample) | under 1 % | under 1 % |"]


def test_every_rule_is_tried_in_situations_of_both_preferences_unless_some_are_named() -> None:
    assert set(chosen_rules(None)) == set(Rule)
    assert chosen_rules(["slack"]) == ("slack",)
    names = [each.name for each in situations()]
    assert len(names) == len(set(names))
    assert {name.rpartition(", ")[2] for name in names} == {"time", "egress"}
