"""Options made by their classes are checked as those given one by one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from dcdist.engine.fetch_options import FetchOptions, Order, Prefer, Rates, Reach
from dcdist.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

WHERE = {"dest": Path("/images"), "cache": Path("/cache")}


@pytest.mark.parametrize(
    ("group", "values", "words"),
    [
        (Rates, {"store": 0}, "Rates.store: 0 is too slow"),
        (Rates, {"up": -5.0}, "Rates.up: -5.0 is too slow"),
        (Rates, {"down": float("nan")}, "Rates.down: nan is not a rate"),
        (Rates, {"fleet_store": "20MB"}, "Rates.fleet_store='20MB' is invalid: it must be float or None"),
        (Reach, {"listen": "127.0.0.1:6881"}, r"Reach.listen='127.0.0.1:6881' is invalid: it must be an address"),
        (Reach, {"advertise": ("0.0.0.0", 6881)}, r"Reach.advertise: \('0.0.0.0', 6881\) is not an address to connect"),
        (Reach, {"peers": (("10.0.0.5", 0),)}, r"Reach.peers: \('10.0.0.5', 0\) is not an address to connect"),
        (Reach, {"peers": ("10.0.0.5", 6881)}, r"Reach.peers=.* must be a list of addresses"),
        (Reach, {"realm": "../other"}, "Reach.realm: name '../other' is invalid"),
        (FetchOptions, {**WHERE, "dest": "/images"}, "FetchOptions.dest='/images' is invalid: it must be Path or None"),
        (FetchOptions, {**WHERE, "cache": None}, "FetchOptions.cache=None is invalid: it must be Path$"),
        (FetchOptions, {**WHERE, "images": "web.xva"}, "FetchOptions.images='web.xva' .*must be a list of names"),
        (FetchOptions, {**WHERE, "swarm": "no"}, "FetchOptions.swarm='no' is invalid: it must be bool"),
        (FetchOptions, {**WHERE, "prefer": "money"}, "FetchOptions.prefer='money' .*must be one of time, egress"),
        (FetchOptions, {**WHERE, "rates": {"store": 5}}, "FetchOptions.rates=.* is invalid: it must be Rates"),
        (FetchOptions, {**WHERE, "seed_for": "10m"}, "FetchOptions.seed_for='10m' is invalid: it must be float"),
        (FetchOptions, {**WHERE, "seed_for": -0.1}, "FetchOptions.seed_for: -0.1 is not a duration"),
        (FetchOptions, {**WHERE, "swarm": False, "draw": False}, "leave nothing to fetch from"),
    ],
)
def test_options_that_cannot_be_used_do_not_exist(
    group: Callable[..., object], values: dict[str, object], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        group(**values)


def test_the_words_of_a_choice_are_the_choice() -> None:
    words: dict[str, Any] = {"prefer": "egress", "order": "stream"}
    made = FetchOptions(Path("/images"), Path("/cache"), **words)
    assert (made.prefer, made.order) == (Prefer.EGRESS, Order.STREAM)


def test_addresses_and_lists_come_to_their_usual_form() -> None:
    made = Reach(peers=cast("tuple[tuple[str, int], ...]", [["FD00:0:0::5", 6881]]))
    assert made == Reach(peers=(("fd00::5", 6881),))
    assert made.peers == (("fd00::5", 6881),)


def test_a_seeder_may_be_asked_to_seed_until_it_is_stopped() -> None:
    assert FetchOptions(None, Path("/cache"), seed_for=float("inf")).seed_for == float("inf")
