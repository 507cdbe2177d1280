"""Which addresses may be linked: what a store or a user names, a few guests, and nobody who goes beyond the bounds."""

from __future__ import annotations

import pytest

from dcdist.ports.swarm import AddressRefused
from dcdist.swarm.admission import Admission

MEMBER, OTHER = "10.0.0.1", "10.0.0.9"


def wanting(*addresses: str) -> Admission:
    admission = Admission()
    for address in addresses:
        admission.want(address)
    return admission


def filled() -> Admission:
    """With as many guests as there may be."""
    admission = Admission()
    for number in range(64):
        admission.knocked(f"10.1.0.{number}", now=0.0)
    return admission


def test_nobody_is_admitted_at_first() -> None:
    assert Admission().addresses == frozenset()


def test_an_address_is_admitted_while_a_host_is_wanted_there() -> None:
    admission = wanting(MEMBER, MEMBER, OTHER)
    assert admission.addresses == {MEMBER, OTHER}
    admission.forget(MEMBER, linked=False, now=0.0)
    assert admission.addresses == {MEMBER, OTHER}
    admission.forget(MEMBER, linked=False, now=0.0)
    assert admission.addresses == {OTHER}


def test_one_that_is_wanted_no_more_stays_as_long_as_it_is_linked() -> None:
    admission = wanting(MEMBER)
    admission.forget(MEMBER, linked=True, now=0.0)
    admission.review([{MEMBER: 1}], now=100.0)
    assert admission.addresses == {MEMBER}
    assert admission.wanted == frozenset()
    admission.review([{}], now=100.25)
    assert admission.addresses == frozenset()


def test_one_that_knocks_is_a_guest_and_is_waited_for_a_minute() -> None:
    admission = wanting(MEMBER)
    admission.knocked(OTHER, now=10.0)
    assert admission.addresses == {MEMBER, OTHER}
    assert admission.wanted == {MEMBER}
    admission.review([], now=69.0)
    assert OTHER in admission.addresses
    admission.review([], now=70.0)
    assert admission.addresses == {MEMBER}


def test_a_guest_stays_while_it_is_linked_and_knocks_again_afterwards() -> None:
    admission = Admission()
    admission.knocked(OTHER, now=0.0)
    admission.review([{}, {OTHER: 1}], now=1000.0)
    assert admission.addresses == {OTHER}
    admission.review([{}, {}], now=1000.25)
    assert admission.addresses == frozenset()


def test_a_guest_whose_last_link_ended_is_one_no_more() -> None:
    admission = wanting(MEMBER)
    admission.knocked(OTHER, now=0.0)
    assert admission.met(OTHER)
    assert not admission.met(MEMBER)
    admission.left(OTHER)
    assert admission.addresses == {MEMBER}


def test_guests_are_bounded_and_the_first_for_whom_there_is_no_room_is_told() -> None:
    admission = filled()
    for number in range(100):
        admission.knocked(f"10.2.0.{number}", now=1.0)
    assert len(admission.addresses) == 64
    assert admission.refusals() == [AddressRefused("10.2.0.0")]
    admission.review([], now=1.0)
    admission.knocked("10.3.0.1", now=2.0)
    assert admission.refusals() == []


def test_when_there_was_room_again_the_next_one_without_is_told() -> None:
    admission = filled()
    admission.knocked("10.2.0.1", now=1.0)
    admission.review([], now=60.0)
    for number in range(65):
        admission.knocked(f"10.3.0.{number}", now=61.0)
    assert admission.refusals() == [AddressRefused("10.2.0.1"), AddressRefused("10.3.0.64")]


def test_those_who_are_wanted_have_room_however_many_guests_there_are() -> None:
    admission = filled()
    admission.want(MEMBER)
    assert MEMBER in admission.addresses


@pytest.mark.parametrize(("hosts", "links"), [(0, 96), (1, 98), (400, 896)])
def test_an_address_may_have_links_for_many_hosts_and_for_those_listed_there(hosts: int, links: int) -> None:
    admission = wanting(*[OTHER] * hosts)
    admission.knocked(OTHER, now=0.0)
    admission.review([{OTHER: links}, {OTHER: links}], now=1.0)
    assert admission.addresses == {OTHER}
    admission.review([{OTHER: links}, {OTHER: links + 1}], now=2.0)
    assert admission.addresses == frozenset()
    assert admission.refusals() == [AddressRefused(OTHER, links + 1)]


def test_one_that_is_shut_out_cannot_knock_and_is_back_after_a_minute_if_it_is_wanted() -> None:
    admission = wanting(MEMBER)
    admission.knocked(OTHER, now=0.0)
    admission.review([{OTHER: 97, MEMBER: 99}], now=10.0)
    admission.knocked(OTHER, now=20.0)
    admission.review([], now=69.0)
    assert admission.addresses == frozenset()
    admission.review([], now=70.0)
    assert admission.addresses == {MEMBER}
    admission.knocked(OTHER, now=70.0)
    assert admission.addresses == {MEMBER, OTHER}


def test_a_guest_that_poses_as_a_host_is_shut_out_for_a_minute_and_one_that_is_wanted_is_not() -> None:
    admission = wanting(MEMBER)
    admission.knocked(OTHER, now=0.0)
    for address in (OTHER, MEMBER, "10.3.0.1"):
        admission.posed(address, as_host="10.0.0.5", now=1.0)
    assert admission.addresses == {MEMBER}
    assert admission.refusals() == [AddressRefused(OTHER, poses_as="10.0.0.5")]
    admission.knocked(OTHER, now=60.0)
    assert admission.addresses == {MEMBER}


def test_of_guests_that_have_too_many_links_together_the_greediest_goes() -> None:
    admission = wanting(MEMBER)
    for number in range(4):
        admission.knocked(f"10.1.0.{number}", now=0.0)
    links = {"10.1.0.0": 60, "10.1.0.1": 70, "10.1.0.2": 90, "10.1.0.3": 40, MEMBER: 90}
    admission.review([links], now=1.0)
    assert admission.addresses == {MEMBER, "10.1.0.0", "10.1.0.1", "10.1.0.3"}
    assert admission.refusals() == [AddressRefused("10.1.0.2", 90)]


def stray(admission: Admission, address: str, count: int, *, now: float) -> None:
    for port in range(30_000, 30_000 + count):
        admission.strayed((address, port), now=now)
        admission.strayed((address, port), now=now)


def test_a_guest_that_named_many_ports_is_shut_out() -> None:
    admission = Admission()
    admission.knocked(OTHER, now=0.0)
    stray(admission, OTHER, 64, now=1.0)
    admission.review([{OTHER: 1}], now=1.0)
    assert admission.addresses == {OTHER}
    stray(admission, OTHER, 65, now=1.0)
    admission.review([{OTHER: 1}], now=1.0)
    assert admission.addresses == frozenset()


def test_a_member_of_which_somebody_named_many_ports_is_cut_off_for_a_moment_every_five_seconds() -> None:
    admission = wanting(MEMBER)
    stray(admission, MEMBER, 65, now=1.0)
    admission.review([{MEMBER: 1}], now=1.0)
    assert admission.addresses == frozenset()
    stray(admission, MEMBER, 65, now=1.2)
    admission.review([], now=1.25)
    assert admission.addresses == {MEMBER}
    admission.review([], now=5.75)
    assert admission.addresses == {MEMBER}
    admission.review([], now=6.0)
    assert admission.addresses == frozenset()


def test_strays_count_for_a_minute() -> None:
    admission = wanting(MEMBER)
    stray(admission, MEMBER, 60, now=1.0)
    admission.review([], now=61.0)
    for port in range(40_000, 40_010):
        admission.strayed((MEMBER, port), now=61.0)
    admission.review([], now=61.0)
    assert admission.addresses == {MEMBER}


def test_every_change_of_the_addresses_can_be_noticed() -> None:
    admission, seen = Admission(), [0]

    def changed() -> bool:
        seen.append(admission.changes)
        return seen[-1] != seen[-2]

    admission.want(MEMBER)
    assert changed()
    admission.knocked(OTHER, now=0.0)
    assert changed()
    admission.knocked(OTHER, now=0.0)
    admission.review([{OTHER: 1}], now=0.0)
    assert not changed()
    admission.review([{OTHER: 97}], now=0.0)
    assert changed()
    admission.review([], now=60.0)
    assert changed()
    admission.forget(MEMBER, linked=False, now=0.0)
    assert changed()
