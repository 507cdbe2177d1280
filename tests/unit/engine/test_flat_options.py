"""Flat names become options: every option has one, and what cannot be is refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from dcdist.engine.fetch_options import FetchOptions, Order, Prefer, Rates, Reach
from dcdist.engine.flat_options import fetch_options, flat_options
from dcdist.errors import UsageError

WHERE = {"dest": "/images", "cache": "/cache"}


def test_the_flat_names_are_these() -> None:
    assert {option.name for option in flat_options()} == {
        "dest", "cache", "images", "line", "metadata_only", "check", "swarm", "draw", "prefer", "order", "store_rate",
        "fleet_store_rate", "up_rate", "down_rate", "listen", "advertise", "peers", "realm", "seed_for", "trace",
    }  # fmt: skip


def test_flat_names_find_their_groups_and_the_rest_keeps_its_default() -> None:
    made = fetch_options(**WHERE, store_rate=20e6, down_rate=5, listen=["10.0.0.5", 6881], realm="lab")
    assert made == FetchOptions(
        Path("/images"),
        Path("/cache"),
        rates=Rates(store=20e6, down=5),
        reach=Reach(listen=("10.0.0.5", 6881), realm="lab"),
    )


def test_words_and_values_of_a_choice_are_the_same() -> None:
    assert fetch_options(**WHERE, prefer="egress", order=Order.STREAM) == FetchOptions(
        Path("/images"), Path("/cache"), prefer=Prefer.EGRESS, order=Order.STREAM
    )


def test_values_may_be_written_as_on_the_command_line() -> None:
    made = fetch_options(
        **WHERE, store_rate="20MB", up_rate="160mbit", seed_for="10m", listen="127.0.0.1:0", advertise="[fd00::5]:6881",
        peers=["10.0.0.5:6881", ("10.0.0.6", 6881)], trace="/trace",
    )  # fmt: skip
    assert made == FetchOptions(
        Path("/images"),
        Path("/cache"),
        rates=Rates(store=20_000_000, up=20_000_000),
        reach=Reach(
            listen=("127.0.0.1", 0),
            advertise=("fd00::5", 6881),
            peers=(("10.0.0.5", 6881), ("10.0.0.6", 6881)),
        ),
        seed_for=600,
        trace=Path("/trace"),
    )


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("store_rate", 0, "0 is too slow: the minimum is 1 byte a second"),
        ("fleet_store_rate", -1, "-1 is too slow"),
        ("up_rate", 0.5, "0.5 is too slow"),
        ("down_rate", float("nan"), "nan is not a rate"),
        ("down_rate", float("inf"), "inf is not a rate: give bytes a second, or omit it for no limit"),
        ("down_rate", 10**309, "0 is not a rate"),
        ("store_rate", "20Mb", "'20Mb' may mean bytes or bits: write 20MB for bytes or 20mbit"),
        ("seed_for", -1, "-1 is not a duration: give seconds, 0 or more"),
        ("seed_for", float("nan"), "nan is not a duration"),
        ("seed_for", "90", r"'90' is not a duration: .*did you mean 90s\?"),
        ("listen", "6881", "'6881' is not an address: write IP:PORT"),
        ("listen", ("localhost", 6881), r"\('localhost', 6881\) is not an address: the host must be an IP address"),
        ("listen", ("10.0.0.5", 65536), "has no usable port: '65536' is not a number from 0 to 65535"),
        ("listen", ("10.0.0.5", -1), "has no usable port: '-1'"),
        ("advertise", ("10.0.0.5", 0), "is not an address to connect to"),
        ("advertise", ("0.0.0.0", 6881), "is not an address to connect to"),
        ("peers", [("::", 6881)], "is not an address to connect to"),
        ("peers", ["10.0.0.5"], "the port is missing"),
        ("realm", "rack 7", "'rack 7' is invalid: use at most 100 letters"),
        ("realm", "", "'' is invalid"),
        ("cache", "", "the path is empty"),
        ("dest", "/images\0", "is not a path: it has a null character"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_by_the_name_of_its_option(name: str, value: object, words: str) -> None:
    with pytest.raises(UsageError, match=f"^{name}: .*{words}"):
        fetch_options(**{**WHERE, name: value})


def test_without_a_destination_a_fetch_holds_layers_only() -> None:
    assert fetch_options(dest=None, cache="/cache").dest is None


def test_a_name_that_is_no_option_is_refused_with_those_that_are() -> None:
    with pytest.raises(UsageError, match=r"no option 'rate'; it has: dest, cache, .*store_rate"):
        fetch_options(**WHERE, rate=5)


@pytest.mark.parametrize(("flat", "missing"), [({"dest": "/images"}, "cache"), ({"cache": "/cache"}, "dest")])
def test_a_missing_option_is_named(flat: dict[str, object], missing: str) -> None:
    with pytest.raises(UsageError, match=f"'{missing}' is missing"):
        fetch_options(**flat)


@pytest.mark.parametrize(
    ("name", "value", "kind"),
    [
        ("dest", 5, "Path or None"),
        ("prefer", "money", "one of time, egress"),
        ("swarm", 1, "bool"),
        ("store_rate", [20e6], "float or None"),
        ("store_rate", True, "float or None"),
        ("seed_for", None, "float"),
        ("images", "web.xva", "a list of names"),
        ("listen", 6881, r"an address \(host, port\) or None"),
        ("peers", "10.0.0.5:6881", r"a list of addresses \(host, port\)"),
        ("listen", ("10.0.0.5",), r"an address \(host, port\) or None"),
        ("peers", [("10.0.0.5", "6881")], r"a list of addresses \(host, port\)"),
    ],
)
def test_a_value_of_the_wrong_type_is_refused_with_the_right_one(name: str, value: object, kind: str) -> None:
    with pytest.raises(UsageError, match=f"^{name}=.* must be {kind}$"):
        fetch_options(**{**WHERE, name: value})


@pytest.mark.parametrize(
    ("flat", "words"),
    [
        ({"swarm": False, "draw": False}, "--no-swarm .*--no-store .*leave nothing to fetch from"),
        (
            {"swarm": False, "fleet_store_rate": 1e6},
            "--fleet-store-rate .*cannot be used with --no-swarm .*use --store-rate",
        ),
        ({"metadata_only": True, "images": ["web.img"]}, "--image .*and --metadata-only .*contradict each other"),
        ({"swarm": False, "peers": [("10.0.0.5", 6881)]}, "--peer .*needs the swarm: omit --no-swarm"),
        ({"dest": None, "images": ["web.xva"]}, "need --dest"),
        ({"dest": None, "metadata_only": True}, "need --dest"),
    ],
)
def test_options_that_contradict_each_other_are_refused_by_name(flat: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        fetch_options(**{**WHERE, **flat})


def test_metadata_alone_needs_neither_swarm_nor_payload() -> None:
    assert fetch_options(**WHERE, swarm=False, draw=False, metadata_only=True).metadata_only
