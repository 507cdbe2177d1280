"""What a fetch tells of the hosts that are listed: in words, with addresses and what to do, and once."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import Mock

import pytest

from dcdist.engine import troubles
from dcdist.engine.fetch_options import FetchOptions, Reach
from dcdist.engine.reach_watch import ReachWatch
from dcdist.model.identity import HostId, ReleaseName
from dcdist.model.trouble import Trouble, Troubled
from dcdist.policy.fleet.reachability import Contact, MemberCounts
from dcdist.ports.swarm import AddressRefused
from tests.support import virtual_time
from tests.support.planners import member

if TYPE_CHECKING:
    from dcdist.model.identity import Address
    from dcdist.model.member import Member

OWN = ("10.0.0.5", 6881)
OPTIONS = FetchOptions(dest=Path("images"), cache=Path("cache"), draw=False)


@dataclass
class Circle:
    """The others, as a test says: who is listed (None: no look yet), and how this host stands with each place."""

    partners: tuple[Member, ...] | None = ()
    advertised: Address | None = OWN
    listed_for: float = 51.0
    listening: tuple[Address, ...] = (("0.0.0.0", 6881),)
    contacts: dict[Address, Contact | None] = field(default_factory=dict)
    linked: frozenset[HostId] = frozenset()
    told: list[Troubled] = field(default_factory=list)

    def contact(self, host: HostId | None, address: str, port: int) -> Contact | None:
        if host in self.linked:
            return Contact((address, port), linked=True)
        return self.contacts.get((address, port), Contact((address, port)))

    def watch(self, options: FetchOptions = OPTIONS) -> ReachWatch:
        job = Mock(options=options)
        job.release.name = ReleaseName("web", "1")
        return ReachWatch(job, self, self, report=self.told.append)  # type: ignore[arg-type]


def silent(address: Address) -> Contact:
    """A host that has refused every dial for a long time."""
    return Contact(address, silent_since=float("-inf"), failure="connection refused")


async def test_a_host_that_may_not_draw_hears_once_that_nobody_is_listed() -> None:
    circle = Circle(partners=None)
    watch = circle.watch()
    watch.look()
    assert circle.told == []  # nobody knows yet
    circle.partners = ()
    watch.look()
    watch.look()
    assert [(each.kind, "nobody is there to give web@1" in each.message) for each in circle.told] == [
        (Trouble.RENDEZVOUS, True)
    ]
    circle.partners = (member(2),)
    watch.look()
    circle.partners = ()
    watch.look()
    assert len(circle.told) == 2


async def test_a_host_that_draws_needs_nobody() -> None:
    circle = Circle()
    circle.watch(replace(OPTIONS, draw=True)).look()
    assert circle.told == []


PLACE = ("10.0.0.9", 6881)
LINKED, ANSWERS = Contact(PLACE, linked=True), Contact(PLACE)


def told_after(seconds: float, contact: Contact, *, draw: bool = False, needs: bool = True) -> list[Troubled]:
    """What a host that knows one other by its address tells within some seconds of not being linked."""
    circle = Circle(contacts={PLACE: LINKED})

    async def main() -> None:
        watch = circle.watch(replace(OPTIONS, draw=draw, reach=Reach(peers=(PLACE,))))
        watch.look()
        circle.contacts[PLACE] = contact
        if not needs:
            watch.needs_nothing()
        for _ in range(int(2 * seconds) + 1):
            watch.look()
            await asyncio.sleep(0.5)

    virtual_time.run(main())
    return circle.told


def test_a_host_that_may_not_draw_and_on_which_all_others_hang_up_says_so_once() -> None:
    assert told_after(29, ANSWERS) == []
    (told,) = told_after(300, ANSWERS)
    assert (told.kind, told.source) == (Trouble.UNREACHABLE, "10.0.0.9:6881")
    assert "other hosts answer and hang up: 10.0.0.9:6881; this host waits" in told.message
    assert "Start them with --peer 10.0.0.5:6881" in told.message


def test_that_others_hang_up_is_not_told_where_it_costs_nothing_or_is_told_otherwise() -> None:
    assert told_after(300, ANSWERS, draw=True) == []
    assert told_after(300, ANSWERS, needs=False) == []
    assert told_after(300, LINKED) == []
    (told,) = told_after(300, silent(PLACE))
    assert "cannot be reached" in told.message


async def test_hosts_that_the_user_named_count_unless_they_are_listed_or_this_one() -> None:
    listed, named, itself = ("127.0.0.1", 7002), ("10.0.0.9", 6881), OWN
    circle = Circle(partners=(replace(member(2), port=7002),), contacts={itself: None, named: silent(named)})
    watch = circle.watch(replace(OPTIONS, reach=Reach(peers=(listed, named, itself))))
    watch.look()
    assert watch.counts == MemberCounts(listed=2, linked=0, unreachable=1)


def test_an_address_that_is_refused_is_named_with_the_reason() -> None:
    greedy = troubles.address_refused(AddressRefused("10.0.0.9", 97))
    assert (greedy.kind, greedy.source) == (Trouble.REFUSED, "10.0.0.9")
    assert "10.0.0.9 had 97 links with this host for one layer" in greedy.message
    late = troubles.address_refused(AddressRefused("10.0.0.8"))
    assert (late.kind, late.source) == (Trouble.REFUSED, "10.0.0.8")
    assert "name them with --peer IP:PORT" in late.message
    impostor = troubles.address_refused(AddressRefused("10.0.0.7", poses_as="10.0.0.1"))
    assert (impostor.kind, impostor.source) == (Trouble.REFUSED, "10.0.0.7")
    assert "10.0.0.7 showed the id of the host that is listed at 10.0.0.1" in impostor.message


@pytest.mark.parametrize("live", [2, 4])
async def test_a_host_that_was_killed_and_started_again_is_reached_whatever_its_ids_are(live: int) -> None:
    place = ("127.0.0.1", 1000)
    earlier = tuple(replace(member(number), port=1000) for number in (2, 3, 4))
    circle = Circle(partners=earlier, contacts={place: silent(place)}, linked=frozenset({member(live).host}))
    watch = circle.watch()
    watch.look()
    assert circle.told == []
    assert watch.counts == MemberCounts(listed=1, linked=1, unreachable=0)


async def test_hosts_that_cannot_be_reached_are_told_once() -> None:
    circle = Circle(partners=(member(2),), contacts={("127.0.0.1", 1002): silent(("127.0.0.1", 1002))})
    watch = circle.watch()
    watch.look()
    watch.look()
    (told,) = circle.told
    assert (told.kind, told.source) == (Trouble.UNREACHABLE, "127.0.0.1:1002")


def test_one_host_that_cannot_be_reached_is_told_with_its_reason_and_what_to_do() -> None:
    told = troubles.hosts_are_cut_off([silent(("fd00::9", 6881))], MemberCounts(1, 0, 1), OWN)
    assert told.message == (
        "the only host that is listed cannot be reached: [fd00::9]:6881 (connection refused). If it runs, a firewall "
        "or a wrong address keeps this host from it. Each host must let the others connect to the TCP port that it "
        "announces, here 10.0.0.5:6881: fix the port with --listen IP:PORT (listen), open it, and give --advertise "
        "IP:PORT (advertise) where others need another address. `dcdist doctor` tests it"
    )


def test_of_many_hosts_three_are_named() -> None:
    cut_off = [silent((f"10.0.0.{number}", 6881)) for number in range(1, 6)]
    told = troubles.hosts_are_cut_off(cut_off, MemberCounts(7, 0, 5), None)
    assert "5 of the 7 hosts that are listed cannot be reached: 10.0.0.1:6881 (connection refused)" in told.message
    assert "10.0.0.3:6881 (connection refused) and 2 more. If they run" in told.message
    assert "10.0.0.4" not in told.message
    assert told.source == "10.0.0.1:6881, 10.0.0.2:6881, 10.0.0.3:6881, 10.0.0.4:6881, 10.0.0.5:6881"
