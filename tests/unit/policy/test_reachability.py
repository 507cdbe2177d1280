"""Which hosts count as unreachable, and when people hear of it: once, and not because a host died."""

from __future__ import annotations

from dcdist.policy.fleet.reachability import Contact, MemberCounts, Reachability

LINKED = Contact(("10.0.0.1", 6881), linked=True)
ANSWERED = Contact(("10.0.0.2", 6881))


def silent(number: int = 9, *, since: float = 0.0) -> Contact:
    """A host that refuses every dial."""
    return Contact((f"10.0.0.{number}", 6881), silent_since=since, failure="connection refused")


def look(reachability: Reachability, *contacts: Contact, now: float, listed_for: float = 50.0) -> tuple[Contact, ...]:
    return reachability.look(contacts, now=now, listed_for=listed_for)


def test_a_host_is_unreachable_after_six_seconds_of_silence() -> None:
    reachability = Reachability()
    assert look(reachability, silent(), now=5.9) == ()
    assert reachability.counts == MemberCounts(listed=1, linked=0, unreachable=0)
    assert look(reachability, silent(), now=6.0) == (silent(),)
    assert reachability.counts == MemberCounts(listed=1, linked=0, unreachable=1)


def test_a_warning_comes_once() -> None:
    reachability = Reachability()
    assert look(reachability, silent(), now=6.0) == (silent(),)
    assert look(reachability, silent(), silent(8), now=20.0) == ()


def test_a_warning_comes_again_after_hosts_were_reached() -> None:
    reachability = Reachability()
    assert look(reachability, silent(), now=6.0) != ()
    assert look(reachability, silent(), LINKED, now=7.0) == ()
    assert look(reachability, silent(), now=8.0) == (silent(),)


def test_nobody_who_is_not_there_or_answers_is_warned_of() -> None:
    reachability = Reachability()
    assert look(reachability, now=100.0) == ()
    assert look(reachability, ANSWERED, LINKED, now=200.0) == ()
    assert reachability.counts == MemberCounts(listed=2, linked=1, unreachable=0)


def test_a_few_silent_hosts_beside_a_linked_one_are_counted_only() -> None:
    reachability = Reachability()
    few = [silent(number) for number in range(10, 14)]
    assert look(reachability, LINKED, *few, now=6.0) == ()
    assert reachability.counts == MemberCounts(listed=5, linked=1, unreachable=4)
    many = [*few, silent(14)]
    assert look(reachability, LINKED, *many, now=6.5) == tuple(many)


def test_a_host_that_died_is_counted_and_warned_of_only_when_it_would_be_listed_no_more() -> None:
    reachability = Reachability()
    other = Contact(silent().place, linked=True)
    look(reachability, other, now=100.0)
    died = silent(since=101.0)
    assert look(reachability, died, now=108.0) == ()
    assert reachability.counts == MemberCounts(listed=1, linked=0, unreachable=1)
    assert look(reachability, died, now=151.0) == ()
    assert look(reachability, died, now=151.1) == (died,)


def test_a_host_that_dialled_this_one_and_left_was_not_silent_before() -> None:
    # It cannot be dialled, so every dial failed since the first; but there was a link until now.
    reachability = Reachability()
    look(reachability, Contact(silent().place, linked=True, silent_since=0.0), now=100.0)
    assert look(reachability, silent(), now=105.9) == ()
    assert reachability.counts.unreachable == 0


def test_a_large_fleet_lists_the_dead_for_longer() -> None:
    reachability = Reachability()
    look(reachability, Contact(silent().place, linked=True), now=100.0)
    died = silent(since=101.0)
    assert look(reachability, died, now=180.0, listed_for=80.0) == ()
    assert look(reachability, died, now=181.1, listed_for=80.0) == (died,)


def test_a_dead_id_does_not_hide_the_live_one_of_the_same_place() -> None:
    for dead_first in (True, False):
        reachability = Reachability()
        dead, live = silent(), Contact(silent().place, linked=True)
        both = (dead, live) if dead_first else (live, dead)
        assert look(reachability, *both, now=100.0) == ()
        assert reachability.counts == MemberCounts(listed=1, linked=1, unreachable=0)
