"""What is said of how others reach this host: interfaces, the port, the announced address and the way back. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from ipaddress import ip_address
from typing import TYPE_CHECKING, assert_never

from dcdist.checkup.findings.finding import Check, failed, ok, skipped, warning
from dcdist.model.identity import show_address

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dcdist.checkup.findings.finding import Finding
    from dcdist.model.identity import Address
    from dcdist.node.interfaces import Interface

_LEAST_MTU = 1280
"""The least that IPv6 allows."""

_OTHERS = "whether others get through a firewall, only they can tell: run doctor on another host with --peer"


class WayBack(Enum):
    """What a connection to the announced address led to."""

    HERE = "here"
    ELSEWHERE = "elsewhere"
    """Something else answered."""
    REFUSED = "refused"
    SILENT = "silent"
    NO_ROUTE = "no route"


@dataclass(frozen=True, slots=True)
class AddressSeen:
    """What this host would announce (None: it has nothing to announce), why, and what speaks against it (or empty)."""

    announced: Address | None
    reason: str
    doubt: str = ""


def of_interfaces(seen: Sequence[Interface]) -> Finding:
    """The interfaces that are up."""
    if not seen:
        return warning(
            Check.INTERFACES,
            "no interface is up but loopback",
            "bring one up, or only hosts on this machine can trade with this one",
        )
    told = "; ".join(
        f"{each.name} {', '.join(each.addresses) or 'without an address'}" + (f", MTU {each.mtu}" if each.mtu else "")
        for each in seen
    )
    narrow = [each.name for each in seen if 0 < each.mtu < _LEAST_MTU and each.addresses]
    if narrow:
        advice = f"raise the MTU of {', '.join(narrow)}: small packets make every transfer slow"
        return warning(Check.INTERFACES, told, advice)
    return ok(Check.INTERFACES, told)


def of_listening(addresses: Sequence[Address], *, asked: bool) -> Finding:
    """BitTorrent could listen there; `asked`: on a port of --listen."""
    told = f"BitTorrent can listen on {', '.join(map(show_address, addresses))}"
    if asked:
        return ok(Check.LISTEN, told)
    advice = "where a firewall must know the port, fix it with --listen 0.0.0.0:PORT"
    return ok(Check.LISTEN, f"{told}, a free port; each fetch takes another", advice)


def of_seeder(process: int, port: int) -> Finding:
    """An earlier fetch still seeds there from the same cache; the next fetch takes its place."""
    return ok(
        Check.LISTEN,
        f"process {process}, an earlier fetch that still seeds from this cache, listens on port {port} and gives way "
        "to the next fetch",
    )


def of_address(seen: AddressSeen) -> Finding:
    """What would be announced."""
    if seen.announced is None:
        return failed(
            Check.ADDRESS,
            "this host has no address that others could connect to",
            "give one with --advertise IP:PORT, or bring an interface up",
        )
    told = f"{show_address(seen.announced)} would be announced: {seen.reason}"
    if ip_address(seen.announced[0]).is_loopback:
        doubt = seen.doubt or "only hosts on this machine can connect to it"
        advice = "give an address that others can reach with --listen or --advertise IP:PORT, or bring an interface up"
        return warning(Check.ADDRESS, f"{told}; {doubt}", advice)
    if seen.doubt:
        return warning(Check.ADDRESS, f"{told}; {seen.doubt}", "choose both addresses with --listen and --advertise")
    return ok(Check.ADDRESS, told)


def of_way_back(announced: Address, way: WayBack, *, is_local: bool) -> Finding:
    """Where a connection to the announced address led; `is_local`: it is an address of this host itself."""
    place = show_address(announced)
    match way:
        case WayBack.HERE:
            return ok(Check.CONNECT_BACK, f"a connection from this host to {place} comes back to it", _OTHERS)
        case WayBack.ELSEWHERE:
            return failed(
                Check.CONNECT_BACK,
                f"something else answers at {place}",
                "correct --advertise, or the address translation that leads there",
            )
        case WayBack.REFUSED | WayBack.SILENT | WayBack.NO_ROUTE:
            return _no_way_back(place, way, is_local=is_local)
        case _:
            assert_never(way)


def no_way_back_known(reason: str) -> Finding:
    """There is nothing to connect to."""
    return skipped(Check.CONNECT_BACK, reason)


def _no_way_back(place: str, way: WayBack, *, is_local: bool) -> Finding:
    how = {
        WayBack.REFUSED: "is refused",
        WayBack.SILENT: "gets no answer",
        WayBack.NO_ROUTE: "finds no route",
    }[way]
    told = f"a connection from this host to {place} {how}"
    if is_local:
        return failed(
            Check.CONNECT_BACK,
            f"{told}, although the address is this host's",
            "listen on the port that is announced (--listen, --advertise), and open it in this host's firewall (TCP)",
        )
    return warning(
        Check.CONNECT_BACK,
        f"{told}; that proves little, as many routers lead no connection back that comes from inside",
        f"check that the router leads that address and port to this host; {_OTHERS}",
    )
