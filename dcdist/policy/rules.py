"""Which rules of the policy can be switched off, one at a time, to see what each earns?"""

from __future__ import annotations

from enum import StrEnum


class Rule(StrEnum):
    """One rule; without all of them a host draws its own stripes and waits for the rest."""

    # Whose turn it is, and when
    MEETING = "meeting"
    """Hosts that begin together meet before they draw."""
    FLEET_WINDOW = "fleet-window"
    """In a large fleet the stripes of a prefix have their turn one after another."""
    STREAM_WINDOW = "stream-window"
    """What a sink needs soon comes first."""
    LATE_OWNER = "late-owner"
    """Stripes of late owners are drawn by others."""
    OTHER_PREFIX = "other-prefix"
    """Stripes of prefixes from which nothing comes are adopted."""
    # Second copies
    CORRUPT = "corrupt"
    """What peers gave corrupt twice is drawn."""
    SILENT_PEERS = "silent-peers"
    """What silent peers hold is drawn."""
    SLACK = "slack"
    """What peers hold is drawn while they leave slack on the link."""
    PROBE = "probe"
    """The store is tried beside slow peers."""
    IDLE_LINK = "idle-link"
    """What peers hold is drawn while next to nothing comes."""
    STANDSTILL = "standstill"
    """Whatever others claim, a host that gains too little draws."""
    CLOSER_LOOK = "closer-look"
    """Just before a request goes out, a look shows whether it is still needed."""
    # Requests
    MORE_REQUESTS = "more-requests"
    """More requests at once are tried, and kept if they bring more."""
    LONG_REQUESTS = "long-requests"
    """Requests grow to what comes in two seconds; without it each is for a stripe."""
    SMALL_PARTS = "small-parts"
    """A request is a small part of all that a fetch brings."""
    REQUEST_SHARE = "request-share"
    """Hosts that draw at the same time share a number of requests."""
    BEHIND_FIRST = "behind-first"
    """Hosts that lack more than others make more requests for second copies."""
    CRAWL = "crawl"
    """A request that is much slower than another is left."""
