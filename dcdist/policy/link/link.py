"""How much of this host's link is used, and for how long has it been less than it could be?

Nobody tells a host what its link carries, but it has seen what it took at its best. Two questions are asked of it:
- For how long has less come than a share of that? A quick look: the rate of the last half second.
- Is there slack, which peers do not fill? Only then is a second copy from the store worth its cost, so this looks at
  the rate of some seconds. Once there is slack, what the store adds does not end it: only peers that fill the link by
  themselves do, or a draw would only push out what they bring.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from dcdist.policy.link.throughput import Throughput

_SLACK_BEGINS = 0.8
"""Share of the best rate below which there is slack: peers' upload is what is scarce then."""

_SLACK_ENDS = 0.95
"""Share of the best rate from which on there is none, when peers alone give it."""

_BEST_FADES = 120.0
"""Seconds until a best rate that is not reached again has faded by 63 %: links change."""

_QUICK = 0.5
"""Seconds that the quick look remembers."""


@dataclass(slots=True)
class _Peak:
    """A share of the best rate that was not reached again `since`."""

    share: float
    since: float = math.inf


class Link:
    """Follows the bytes that a host takes from all sources together. Rates are bytes a second."""

    def __init__(self, *, slack_after: float) -> None:
        """`slack_after`: seconds for which there must be slack before it is believed."""
        self._slack_after = slack_after
        # Of all bytes counted together: rates of store and peers lag, and while one takes over from the other their
        # sum is a third above what the link carries. As the best rate it would never be reached again.
        self._rate = Throughput(from_nothing=True)
        self._quick = Throughput(memory=_QUICK)
        self._best = 0.0
        self._at: float | None = None
        self._low_since: float | None = None
        self._has_slack = False
        self._peaks: list[_Peak] = []

    @property
    def best(self) -> float:
        """Bytes a second that the link has carried, lately."""
        return self._best

    @property
    def has_slack(self) -> bool:
        """Whether peers leave room on the link."""
        return self._has_slack

    def observed(self, total: int, *, peers: float, now: float) -> None:
        """`total` bytes came so far, from everywhere; peers give `peers` bytes a second now."""
        self._rate.count(total, now=now)
        self._quick.count(total, now=now)
        rate = self._rate.rate(now=now)
        if self._at is not None:
            self._best *= math.exp(-(now - self._at) / _BEST_FADES)
        self._at = now
        self._best = max(self._best, rate)
        self._note_slack(rate, peers, now)
        self._note_share(self._quick.rate(now=now) / self._best if self._best else math.inf, now)

    def below(self, share: float, *, now: float) -> float:
        """Seconds for which less than this share of the best rate has come; 0 if it does."""
        for peak in reversed(self._peaks):
            if peak.share >= share:
                return max(0.0, now - peak.since)
        return 0.0

    def _note_slack(self, rate: float, peers: float, now: float) -> None:
        full = self._best * (_SLACK_ENDS if self._has_slack else _SLACK_BEGINS)
        if (peers if self._has_slack else rate) >= full:
            self._low_since = None
        elif self._low_since is None:
            self._low_since = now
        self._has_slack = self._low_since is not None and now - self._low_since >= self._slack_after

    def _note_share(self, share: float, now: float) -> None:
        """Keep the shares that were not reached again, the highest first."""
        if self._peaks:
            self._peaks[-1].since = now
        while self._peaks and self._peaks[-1].share <= share:
            self._peaks.pop()
        self._peaks.append(_Peak(share))
