"""What is said of the other hosts: which heartbeats are fresh, who answers, and who does not. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from dcdist.checkup.findings.finding import Check, failed, ok, skipped, warning
from dcdist.formats import heartbeat, object_names
from dcdist.model.identity import show_address

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dcdist.checkup.findings.finding import Finding
    from dcdist.model.identity import Address
    from dcdist.ports.store import Listing

_FRESH = 60.0
"""Seconds; hosts refresh a heartbeat each 12 s, and in a fleet of thousands less often."""

_NAMED = 8


class Dialled(Enum):
    """How a host answered; the value completes "HOST ..."."""

    ANSWERS = "answers"
    OTHER_PROGRAM = "is another program, not BitTorrent"
    MUTE = "accepts connections and says nothing: perhaps another program"
    REFUSED = "refuses: nothing listens there"
    SILENT = "does not answer: a firewall may be in between"
    NO_ROUTE = "cannot be reached: there is no route, or a firewall rejects"
    OTHER_FAMILY = "is of another address family than this host"


@dataclass(frozen=True, slots=True)
class HostSeen:
    """A host that was dialled; `is_local`: at an address of this host itself."""

    address: Address
    dialled: Dialled
    is_local: bool = False


def fresh_addresses(listing: Listing, realm: str) -> list[Address]:
    """Where the hosts of a realm are, of all demos that were listed, each once: the freshest first."""
    found: dict[Address, float] = {}
    for entry in listing.entries:
        parts = object_names.parse_heartbeat(entry.key)
        member = heartbeat.parse(parts[2]) if parts is not None and parts[1] == realm else None
        if member is not None and entry.modified >= listing.now - _FRESH:
            place = (member.address, member.port)
            found[place] = max(entry.modified, found.get(place, entry.modified))
    return sorted(found, key=lambda place: (-found[place], place))


def of_members(seen: Sequence[HostSeen], *, listed: int, realm: str) -> Finding:
    """The hosts that are in the swarm now: `listed` of them, of which those in `seen` were dialled."""
    if not seen:
        return skipped(
            Check.MEMBERS,
            f"no other host is in the realm {realm} now",
            "run this again while another host fetches or seeds, or name one with --peer",
        )
    tried = f"{listed} host(s) listed" + (f", {len(seen)} of them tried" if len(seen) < listed else "")
    return _of_hosts(Check.MEMBERS, seen, tried)


def of_peers(seen: Sequence[HostSeen]) -> Finding:
    """The hosts of `--peer`."""
    if not seen:
        return skipped(Check.PEERS, "no --peer was given")
    return _of_hosts(Check.PEERS, seen, f"{len(seen)} host(s) of --peer")


def _of_hosts(check: Check, seen: Sequence[HostSeen], tried: str) -> Finding:
    good = [each for each in seen if each.dialled is Dialled.ANSWERS]
    bad = [each for each in seen if each.dialled is not Dialled.ANSWERS]
    here = sum(each.is_local for each in good)
    told = f"{tried}: {len(good)} answer" + (f", {here} of them on this machine" if here else "")
    if not bad:
        return ok(check, told)
    named = "; ".join(f"{show_address(each.address)} {_how(each)}" for each in bad[:_NAMED])
    more = f"; and {len(bad) - _NAMED} more" if len(bad) > _NAMED else ""
    advice = _advice(bad)
    # Who answers on this machine says nothing of the way to the others.
    others_answer = any(not each.is_local for each in good) or all(each.is_local for each in bad)
    only_mute = all(each.dialled is Dialled.MUTE for each in bad)
    if (good and others_answer) or only_mute:
        return warning(check, f"{told}; {named}{more}", advice)
    return failed(check, f"{told}; {named}{more}", advice)


def _how(seen: HostSeen) -> str:
    if seen.dialled is not Dialled.OTHER_FAMILY:
        return str(seen.dialled.value)
    theirs, ours = ("IPv6", "IPv4") if ":" in seen.address[0] else ("IPv4", "IPv6")
    return f"is {theirs}, and this host has only {ours}: unless that host has both, they cannot trade"


def _advice(bad: Sequence[HostSeen]) -> str:
    parts = []
    if any(each.dialled in {Dialled.SILENT, Dialled.NO_ROUTE} for each in bad):
        parts.append(
            "allow TCP from this host to these addresses and ports, and from them to this host (fix the ports with "
            "--listen); hosts that cannot reach each other need a --realm each"
        )
    if any(each.dialled is Dialled.REFUSED for each in bad):
        parts.append("if such a host still runs, its --advertise or a firewall that rejects is wrong")
    if any(each.dialled is Dialled.OTHER_FAMILY for each in bad):
        parts.append("give both hosts addresses of one family, IPv4 or IPv6")
    if any(each.dialled in {Dialled.OTHER_PROGRAM, Dialled.MUTE} for each in bad):
        parts.append("correct the --peer, or the --advertise of that host")
    return "; ".join(parts)
