"""A failure that is worked around or retried, as the observer of a fetch or a publish sees it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Trouble(StrEnum):
    """The kind of failure."""

    STORE = "store"
    """A request to the store failed; it is made again, or peers give the bytes."""
    CORRUPT = "corrupt"
    """Bytes failed their check; they are dropped and fetched again, perhaps from elsewhere."""
    BANNED = "banned"
    """A peer gave corrupt bytes and is asked for nothing more of that layer."""
    REFUSED = "refused"
    """Links with an address are refused: it made too many, or too many addresses that nobody listed dial this host."""
    RENDEZVOUS = "rendezvous"
    """This host could not be announced, or the other hosts could not be listed, or nobody is listed who could give."""
    UNREACHABLE = "unreachable"
    """Other hosts are listed, and none or hardly any of them can be reached."""
    PASSED_OVER = "passed_over"
    """What may be newer is not the latest for this host: no trusted key signed it, or it is unreadable or of another
    line."""
    WORKAROUND = "workaround"
    """The store lacks something, or its answers do not agree: another way was found. Told once each."""
    EXPOSED = "exposed"
    """Credentials go over a network unencrypted, as the URLs that were given have it."""
    HOST = "host"
    """Something on this host failed."""


@dataclass(frozen=True, slots=True)
class Troubled:
    """Something failed and is being worked around; `message` is for people.

    `source` is where it came from: an object (`swift://demos/layers/...`), a peer (`10.0.0.5:6881`) or a file. If it
    was one of several, all are named, separated by a comma and a space. Empty if no source applies.
    """

    message: str
    kind: Trouble = Trouble.HOST
    source: str = ""
