"""Which hosts are dialled: those that are wanted, once each, and none that was forgotten."""

from __future__ import annotations

from unittest.mock import Mock

import pytest

from dcdist.errors import SwarmError
from dcdist.swarm.links import Links


def dialled(links: Links) -> list[tuple[str, int]]:
    """The endpoints that a torrent is told to link with."""
    handle = Mock()
    links.connect(handle, now=0.0)
    return [call.args[0] for call in handle.connect_peer.call_args_list]


def wanting(*endpoints: tuple[str, int]) -> Links:
    links = Links()
    for endpoint in endpoints:
        links.want(*endpoint, own=())
    return links


def test_a_host_that_was_forgotten_is_dialled_no_more() -> None:
    links = wanting(("10.0.0.1", 7000), ("10.0.0.1", 7001), ("10.0.0.2", 7000))
    links.forget("10.0.0.1", 7000, now=0.0)
    assert dialled(links) == [("10.0.0.1", 7001), ("10.0.0.2", 7000)]


def test_a_host_that_is_wanted_again_is_dialled_again() -> None:
    links = wanting(("10.0.0.1", 7000))
    links.forget("10.0.0.1", 7000, now=0.0)
    assert links.want("10.0.0.1", 7000, own=()) == ("10.0.0.1", 7000)
    assert dialled(links) == [("10.0.0.1", 7000)]


def test_one_host_is_forgotten_in_any_spelling() -> None:
    links = wanting(("::ffff:10.0.0.1", 7000), ("2001:db8:0::1", 7000))
    links.forget("10.0.0.1", 7000, now=0.0)
    links.forget("2001:db8::1", 7000, now=0.0)
    assert dialled(links) == []


def test_what_was_never_wanted_is_forgotten_without_a_word() -> None:
    links = wanting(("10.0.0.1", 7000))
    links.forget("10.0.0.9", 7000, now=0.0)
    assert dialled(links) == [("10.0.0.1", 7000)]


@pytest.mark.parametrize("endpoint", [("somewhere", 7000), ("127.0.0.1", 0)])
def test_what_is_no_endpoint_cannot_be_forgotten(endpoint: tuple[str, int]) -> None:
    with pytest.raises(SwarmError):
        Links().forget(*endpoint, now=0.0)


@pytest.mark.parametrize(
    ("own", "other"),
    [
        (("127.0.0.2", 6881), ("127.0.0.3", 6881)),
        (("127.0.0.2", 6881), ("127.0.0.2", 6882)),
        (("0.0.0.0", 6881), ("127.0.0.3", 6882)),
        (("0.0.0.0", 6881), ("192.0.2.77", 6881)),
        (("0.0.0.0", 6881), ("::1", 6881)),
        (("::1", 6881), ("127.0.0.1", 6881)),
    ],
)
def test_a_host_of_this_machine_with_another_address_or_port_is_dialled(
    own: tuple[str, int], other: tuple[str, int]
) -> None:
    assert Links().want(*other, own=[own]) == other


@pytest.mark.parametrize(
    ("own", "endpoint"),
    [
        (("127.0.0.2", 6881), ("127.0.0.2", 6881)),
        (("127.0.0.2", 6881), ("::ffff:127.0.0.2", 6881)),
        (("0.0.0.0", 6881), ("127.0.0.3", 6881)),
        (("::", 6881), ("::1", 6881)),
    ],
)
def test_a_host_does_not_dial_itself(own: tuple[str, int], endpoint: tuple[str, int]) -> None:
    assert Links().want(*endpoint, own=[own]) is None


def test_a_host_that_was_forgotten_and_is_wanted_again_is_silent_only_from_then_on() -> None:
    links, handle, place = wanting(("10.0.0.1", 7000)), Mock(), ("10.0.0.1", 7000)
    links.connect(handle, now=10.0)
    links.forget(*place, now=0.0)
    links.want(*place, own=())
    links.connect(handle, now=50.0)
    contact = links.contact(None, place, own=())
    assert contact is not None
    assert contact.silent_since == 50.0
