"""What is said of a store: its sign-in, listing, reading and writing, and its clock. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dcdist.checkup.findings.finding import Check, failed, ok, skipped, warning
from dcdist.model.quantities import show_bytes, show_duration, show_rate

if TYPE_CHECKING:
    from dcdist.checkup.findings.finding import Finding

_SLOW_REQUEST = 1.0
_SLOW_READ = 1e6
_CLOCKS_DIFFER = 60.0
_HEARTBEAT_OFF = 15.0
"""Seconds by which a heartbeat may seem older or younger than it is; at 45 hosts take it for stale."""

_NO_HEARTBEATS = "hosts cannot find each other through it: they trade with those of --peer only"
_NAME_PEERS = "name at least one other host with --peer IP:PORT, and give hosts a fixed port with --listen"


@dataclass(frozen=True, slots=True)
class ProbeSeen:
    """An object that was written and looked for at once. `now`: the store's clock in that listing (seconds since 1970).

    `modified`: when the object was written, by the store's clock; None: it was not listed. `here`: this host's clock
    then.
    """

    now: float
    modified: float | None
    here: float


@dataclass(frozen=True, slots=True)
class RangeSeen:
    """A range that was read: its object, its bytes, and the seconds it took."""

    key: str
    length: int
    seconds: float


def of_answer(store: str, exists: bool, seconds: float, *, is_web_server: bool = False) -> Finding:
    """The container or directory is there, or not; a small request took `seconds`.

    A web server knows no containers: that it answers says nothing of the folder.
    """
    if not exists:
        return failed(
            Check.STORE,
            f"{store} does not exist: there is no such container or directory",
            "check --store, and mount the directory; the first publish makes it",
        )
    told = f"{store}: the server answers" if is_web_server else f"{store} is there"
    told += f"; a small request takes {seconds * 1000:.0f} ms"
    if seconds > _SLOW_REQUEST:
        advice = "look for a proxy or a distant server: every host asks for manifests, indexes and heartbeats"
        return warning(Check.STORE, told, advice)
    return ok(Check.STORE, told)


def of_listing(objects: int, seconds: float) -> Finding:
    """`objects` were listed, in `seconds`."""
    return ok(Check.LIST, f"releases and heartbeats can be listed ({objects} object(s) in {show_duration(seconds)})")


def of_no_listing(reason: str, *, has_peers: bool, names_release: bool) -> Finding:
    """The store cannot be listed; `names_release`: the fetch would not look for the newest one."""
    message = f"{reason}; the latest release cannot be found, and {_NO_HEARTBEATS}"
    advice = f"name the release, here with --demo DEMO@VERSION; {_NAME_PEERS}"
    good_enough = has_peers and names_release
    return warning(Check.LIST, message, advice) if good_enough else failed(Check.LIST, message, advice)


def of_writing(seen: ProbeSeen) -> Finding:
    """An object was written under `swarm/`, read back, and listed or not."""
    if seen.modified is None:
        return warning(
            Check.WRITE,
            "an object under swarm/ was written and read back, but a listing at once does not show it: hosts find each "
            "other late",
            "ask the store's owner whether its container updates or caches are behind",
        )
    return ok(Check.WRITE, "an object under swarm/ was written, read back and listed, as heartbeats are")


def of_no_writing(reason: str, *, has_peers: bool) -> Finding:
    """Nothing can be written under `swarm/`."""
    message = f"{reason}; without heartbeats {_NO_HEARTBEATS}"
    advice = f"allow this host to write and delete under swarm/; or {_NAME_PEERS}"
    return warning(Check.WRITE, message, advice) if has_peers else failed(Check.WRITE, message, advice)


def of_no_deleting(key: str, reason: str) -> Finding:
    """The object stays."""
    return warning(
        Check.DELETE,
        f"{key} cannot be deleted: {reason}; heartbeats of hosts that ended stay until they are stale",
        f"delete {key}, and allow this host to delete under swarm/",
    )


def of_clock(seen: ProbeSeen) -> Finding:
    """The store's clock, against itself and against this host's."""
    ahead = seen.now - seen.here
    told = f"the store's clock is {_apart(ahead)} this host's"
    if seen.modified is not None and abs(seen.now - seen.modified) > _HEARTBEAT_OFF:
        return failed(
            Check.CLOCK,
            f"an object that was just written seems {_apart(seen.modified - seen.now)} the store's own clock: "
            "heartbeats look stale, or stay fresh too long",
            "set the clocks of the store's servers: hosts judge heartbeats by them",
        )
    if abs(ahead) > _CLOCKS_DIFFER:
        return warning(
            Check.CLOCK,
            f"{told}; heartbeats are judged by the store's clock alone, but certificates and logs by this host's",
            "set this host's clock, or the store's (NTP)",
        )
    return ok(Check.CLOCK, told)


def of_range(seen: RangeSeen) -> Finding:
    """A range was read."""
    rate = seen.length / max(seen.seconds, 1e-6)
    told = f"{show_bytes(seen.length)} of {seen.key} came in {show_duration(seen.seconds)}: {show_rate(rate)}"
    if rate < _SLOW_READ:
        return warning(Check.READ, told, "look at the link to the store, its proxies and its load")
    return ok(Check.READ, f"{told}, in a single request")


def nothing_to_read() -> Finding:
    """No release has a layer."""
    return skipped(Check.READ, "no release with a layer is known", "run this again after the first publish")


def _apart(seconds: float) -> str:
    if abs(seconds) < 2:
        return "within two seconds of"
    return f"{show_duration(abs(seconds))} {'ahead of' if seconds > 0 else 'behind'}"
