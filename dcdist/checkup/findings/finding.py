"""What was found: one finding for each check, in words and as values. Pure.

Invariant: a finding that failed, or is a warning, says what to do.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar

from dcdist.errors import InvariantError

if TYPE_CHECKING:
    from collections.abc import Iterable


class Check(StrEnum):
    """What is examined, in the order in which people read it. The values are part of `--json`: they stay."""

    SOFTWARE = "software"
    """Versions of dcdist, Python and libtorrent, which must load."""
    OPEN_FILES = "open-files"
    """The limit of open files: each link to another host is one."""
    MEMORY = "memory"
    """Memory that is available."""
    PROXY = "proxy"
    """The proxies to the store, and the variable that names each."""
    TLS = "tls"
    """The certificate of the store's server: whether it is accepted, and until when it is valid."""
    SIGN_IN = "sign-in"
    """Whether the store accepts the credentials."""
    STORE = "store"
    """Whether the container or directory is there, and how long a small request takes."""
    LIST = "list"
    """Whether the store can be listed: releases and heartbeats."""
    WRITE = "write"
    """Whether an object can be written under `swarm/`, is read back and is listed: as a heartbeat must be."""
    DELETE = "delete"
    """Whether that object can be deleted."""
    CLOCK = "clock"
    """The store's clock against this host's, and against itself."""
    RELEASES = "releases"
    """The newest release of each demo that a given key signed, and newer ones that none of them did."""
    READ = "read"
    """Whether a range of a layer can be read, and how fast."""
    INTERFACES = "interfaces"
    """The interfaces that are up, with addresses and MTU."""
    LISTEN = "listen"
    """Whether BitTorrent can listen."""
    ADDRESS = "address"
    """What would be announced to other hosts, and why."""
    CONNECT_BACK = "connect-back"
    """Whether a connection to the announced address comes back to this host."""
    MEMBERS = "members"
    """Whether the hosts answer that are in the swarm now."""
    PEERS = "peers"
    """Whether the hosts answer that were named with `--peer`."""
    CACHE = "cache"
    """The folder of the cache: whether it can be used, its room, its speed."""
    DESTINATION = "destination"
    """The folder of the images: likewise."""


class FindingState(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARNING = "warning"
    """A fetch would work and trade, but something is lost or may surprise."""
    FAILED = "failed"
    """A fetch would fail, or would not trade."""
    SKIPPED = "skipped"
    """It could not be examined, or there was nothing to examine."""


@dataclass(frozen=True, slots=True)
class Finding:
    """How one check ended: in words, and what to do about it; `advice` is empty if nothing needs to be done."""

    event: ClassVar[str] = "checked"
    check: Check
    state: FindingState
    message: str
    advice: str = ""

    def __post_init__(self) -> None:
        if self.state in {FindingState.WARNING, FindingState.FAILED} and not self.advice:
            raise InvariantError(f"the finding on {self.check} gives no advice: {self.message}")


@dataclass(frozen=True, slots=True)
class Checkup:
    """All findings on a host, in the order of `Check`. `ready`: a fetch on this host would trade."""

    findings: tuple[Finding, ...]

    @classmethod
    def of(cls, findings: Iterable[Finding]) -> Checkup:
        """The findings, in any order."""
        places = list(Check)
        return cls(tuple(sorted(findings, key=lambda finding: places.index(finding.check))))

    @property
    def ready(self) -> bool:
        """Whether a fetch would trade: no check failed."""
        return not self.with_state(FindingState.FAILED)

    def with_state(self, state: FindingState) -> tuple[Finding, ...]:
        """The findings of checks that ended so."""
        return tuple(finding for finding in self.findings if finding.state is state)


def ok(check: Check, message: str, advice: str = "") -> Finding:
    """All is well."""
    return Finding(check, FindingState.OK, message, advice)


def warning(check: Check, message: str, advice: str) -> Finding:
    """It works, but something is lost."""
    return Finding(check, FindingState.WARNING, message, advice)


def failed(check: Check, message: str, advice: str) -> Finding:
    """A fetch would fail, or would not trade."""
    return Finding(check, FindingState.FAILED, message, advice)


def skipped(check: Check, message: str, advice: str = "") -> Finding:
    """It was not examined; `message` says why."""
    return Finding(check, FindingState.SKIPPED, message, advice)
