"""Who goes first at the store when it sends second copies? Those that lack most.

TCP shares the store's link, and peers' uplinks, by connections and not by need: for as long as they are full one host
may get half of what another gets, and the last one is waited for. Each host sees what the others lack. So one that is
behind makes more requests at once than it would, and one that is ahead fewer; about as many are under way in all.

It makes one at least: if those behind cannot use what it leaves, since their own links are full, that one takes all
there is. First copies are left alone: everybody waits for those.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dcdist.policy.preference import Preference

_STEP = 1 / 20
"""One request for each such part of what is lacked on average that this host lacks more or less."""

_STRIPES = 2
"""Stripes that a step stands for at least: what is nearly done is not worth a request."""


class BehindFirst:
    """Knows what the linked hosts lack that are not done yet, in bytes."""

    def __init__(self, preference: Preference) -> None:
        self._makes_way = preference.makes_way
        self._others: tuple[int, ...] = ()

    def told(self, lacking: tuple[int, ...]) -> None:
        """What each of the others lacks now."""
        self._others = lacking

    def requests(self, usual: int, *, most: int, lacking: int, stripe: int) -> int:
        """How many to make at once, `most` at most, where `usual` would be this host's share.

        `lacking`: bytes that it lacks itself; `stripe`: bytes of its longest one.
        """
        if not self._others:
            return usual
        average = (sum(self._others) + lacking) / (len(self._others) + 1)
        behind = round((lacking - average) / max(1, average * _STEP, stripe * _STRIPES))
        least = 1 if self._makes_way else usual
        return max(least, min(max(most, usual), usual + behind))
