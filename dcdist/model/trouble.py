"""What went wrong and is worked around or tried again: told to whoever watches a fetch or a publish."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Trouble(StrEnum):
    """What kind of thing failed."""

    STORE = "store"
    """A request to the store; it is made again, or others give what it was for."""
    CORRUPT = "corrupt"
    """Bytes that are not what was promised; they are thrown away, and come from elsewhere or once more."""
    BANNED = "banned"
    """A peer gave such bytes, and is asked for nothing more of that layer."""
    RENDEZVOUS = "rendezvous"
    """This host could not be announced, or the others not be listed."""
    HOST = "host"
    """Something on this host."""


@dataclass(frozen=True, slots=True)
class Troubled:
    """Something failed and is being worked around; `message` is for people.

    `source` is where it came from: an object (`swift://demos/layers/...`), a peer (`10.0.0.5:6881`), a file; several
    are separated by a comma and a space, when it was one of them. Empty if that says nothing.
    """

    message: str
    kind: Trouble = Trouble.HOST
    source: str = ""
