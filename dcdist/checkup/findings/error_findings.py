"""Findings on checks that ended with an error or not at all: what failed, and what to do. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcdist.checkup.findings.finding import Check, failed
from dcdist.errors import (
    DiskError,
    DiskFullError,
    RangeError,
    StoreDeniedError,
    StoreFullError,
    StoreMissingError,
    StoreThrottledError,
    StoreUnavailableError,
    SwarmError,
)

if TYPE_CHECKING:
    from dcdist.checkup.findings.finding import Finding
    from dcdist.errors import DcdistError

_ADVICE: dict[type[DcdistError], str] = {
    StoreDeniedError: "use credentials that may do this, or have the store's owner allow it to them",
    StoreMissingError: "check --store, and mount the directory; the first publish makes what is missing",
    StoreThrottledError: "run this again later; if it stays so, limit what hosts ask for with --store-rate",
    RangeError: "have the server, and each proxy before it, answer requests for ranges (206): a fetch reads in ranges",
    StoreFullError: "free some space in the store, or raise the quota",
    StoreUnavailableError: "check that the store is up, that its URL is right, that a firewall lets TCP connections to "
    "it through, and which proxies are in force (see the check 'proxy')",
    SwarmError: "choose another address or port with --listen, or end the program that uses it",
    DiskFullError: "make room, or choose another folder",
    DiskError: "change its owner or mode, or choose another folder",
}
_BY_CHECK = {
    Check.CACHE: "see whether the disk or the mount hangs: the kernel's log (dmesg) names slow disks and lost servers",
    Check.DESTINATION: "see whether the disk or the mount hangs: the kernel's log (dmesg) names slow disks and lost "
    "servers",
    Check.LISTEN: "allow this process AF_NETLINK sockets (systemd: RestrictAddressFamilies), which BitTorrent needs",
}
_IF_REFUSED = {Check.CONNECT_BACK: _ADVICE[SwarmError]}
_ELSE = "see what the message says; docs/operations.md lists what a store and a host need"


def of_error(check: Check, error: DcdistError) -> Finding:
    """The finding on a check that an error ended."""
    advice = next((text for kind, text in _ADVICE.items() if isinstance(error, kind)), _ELSE)
    return failed(check, str(error), advice)


def of_refusal(check: Check, error: OSError | MemoryError) -> Finding:
    """The finding on a check to which the system said no."""
    if isinstance(error, MemoryError):
        return failed(check, "this host has no memory left for dcdist", _ELSE)
    where = f"{error.filename}: " if error.filename else ""
    reason = error.strerror or str(error) or type(error).__name__
    return failed(check, f"the system refused: {where}{reason}", _IF_REFUSED.get(check, _ELSE))


def of_silence(check: Check, seconds: float) -> Finding:
    """The finding on a check that had not ended after `seconds`."""
    advice = _BY_CHECK.get(check, _ADVICE[StoreUnavailableError])
    if seconds < 1:
        return failed(check, "no time was left: the checks before it took too long", advice)
    return failed(check, f"no end within {seconds:.0f} s", advice)
