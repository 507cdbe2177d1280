"""What matters more when time and the store's egress conflict: every number that differs between the two.

Invariant: rules read these numbers and never ask which preference it is.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Preference:
    """One of `TIME` and `EGRESS`. Times are seconds, shares parts of one; of its best rate unless told otherwise."""

    name: str

    first_look: float
    """How long the start of a fetch waits for the first listing. Where thousands join at once, each waits some seconds
    for its answer, and a host that began without knowing the others would draw what they do."""

    most_requests: int
    """Requests at once. What is in flight can be drawn twice when hosts come and go."""

    makes_way: bool
    """With less to fetch than the others, this host makes fewer requests than its share."""

    view_lag: float
    """How late word of an owner's progress may be before that counts against the owner."""

    margin: float
    """Part of the careful margin by which an owner must be late. A small one costs a few duplicates."""

    adopt_after: float
    """Without anything new from other prefixes, and no work in the own one, until their stripes are drawn here."""

    adopt_after_share: float
    """Part of the time since the beginning that this takes at least: what shows late is often slow to get around."""

    adopt_turn: float
    """Between the turns of two hosts that may adopt the same stripe."""

    unasked_silence: float
    """Without a right byte from peers until what they are not being asked for is drawn."""

    unproven_silence: float
    """The same, until a peer has given anything."""

    probe_pause: float
    """Between the first two tries whether the store brings more than slow peers; infinite: one try in all."""

    slow_peers: float
    """How many times as long as the store peers may need before they count as slow."""

    standstill_after: float
    """With too few pieces from peers, and nothing asked of the store, until the next missing piece is drawn whatever
    others claim; what a stripe takes comes on top. Where they lie or are not there it is less."""

    slack_after: float
    """How long a link must have slack before that is believed."""

    idle_share: float
    """Below it a link is idle."""

    idle_after: float
    """How long a link must be idle before that is believed."""


TIME = Preference(
    "time",
    first_look=1.5,
    most_requests=8,
    makes_way=False,
    view_lag=0.0,
    margin=1 / 4,
    adopt_after=4.0,
    adopt_after_share=0.0,
    adopt_turn=0.1,
    unasked_silence=1.0,
    unproven_silence=0.3,
    probe_pause=5.0,
    slow_peers=1.0,
    standstill_after=8.0,
    slack_after=0.5,
    idle_share=0.6,
    idle_after=0.5,
)
"""Fill the link: draw from the store whatever makes this host ready sooner."""

EGRESS = Preference(
    "egress",
    first_look=6.0,
    most_requests=4,
    makes_way=True,
    view_lag=1.5,
    margin=1.0,
    adopt_after=8.0,
    adopt_after_share=1 / 8,
    adopt_turn=0.4,
    unasked_silence=3.0,
    unproven_silence=3.0,
    probe_pause=float("inf"),
    slow_peers=20.0,
    standstill_after=20.0,
    slack_after=4.0,
    idle_share=0.3,
    idle_after=1.0,
)
"""Spare the store: draw what is new to the swarm, wait for peers for the rest."""

PREFERENCES = {each.name: each for each in (TIME, EGRESS)}
