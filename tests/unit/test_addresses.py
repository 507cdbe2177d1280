"""Which address others are told: the one asked for, else the one from which the store is reached."""

from __future__ import annotations

import socket

import pytest

from dcdist.errors import UsageError
from dcdist.node import addresses
from dcdist.node.addresses import advertised


@pytest.fixture
def routes(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Where from this host would reach a target; nothing else is reachable."""
    known: dict[str, str] = {}
    monkeypatch.setattr(addresses, "_source_towards", lambda target, _: known.get(target))
    return known


def test_an_address_that_was_asked_for_is_told(routes: dict[str, str]) -> None:
    routes["store"] = "10.0.0.5"
    assert advertised(("10.9.9.9", 0), 6881, "store") == ("10.9.9.9", 6881)


@pytest.mark.parametrize("listen", [None, ("0.0.0.0", 6881)])
def test_else_it_is_the_one_towards_the_store(routes: dict[str, str], listen: tuple[str, int] | None) -> None:
    routes.update({"store": "10.0.0.5", "192.0.2.1": "172.16.0.1"})
    assert advertised(listen, 6881, "store") == ("10.0.0.5", 6881)


def test_or_the_one_towards_anywhere(routes: dict[str, str]) -> None:
    routes.update({"192.0.2.1": "172.16.0.1", "2001:db8::1": "fd00::1"})
    assert advertised(None, 6881, "") == ("172.16.0.1", 6881)
    assert advertised(("::", 0), 6881, "unknown") == ("fd00::1", 6881)


def test_a_directory_without_a_network_is_shared_on_this_machine_only(routes: dict[str, str]) -> None:
    assert advertised(None, 6881, "") == ("127.0.0.1", 6881)
    assert advertised(("::", 0), 6881, "") == ("::1", 6881)


def test_no_address_at_all_is_told_to_the_user(routes: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="--advertise"):
        advertised(None, 6881, "store")


def test_the_source_address_of_a_route_is_found() -> None:
    assert addresses._source_towards("127.0.0.1", socket.AF_INET) == "127.0.0.1"
