"""A last look before a request goes out; four pieces, as bits."""

from __future__ import annotations

import pytest

from dcdist.policy.closer_look import CloserLook
from dcdist.policy.planner_commands import Reason

KNOWN = CloserLook(Reason.OWN, wanted=0b0110, held=0b0010, coming=0b0010)


@pytest.mark.parametrize(
    ("held", "coming", "news"),
    [
        (0b0010, 0b0010, False),  # as known
        (0b0110, 0b0010, True),  # a wanted piece is held now
        (0b0010, 0b0110, True),  # a wanted piece is coming now
        (0b1011, 0b1011, False),  # others than the wanted ones
        (0b0000, 0b0000, False),  # a peer has left
    ],
)
def test_a_request_is_needless_when_peers_have_come_to_hold_or_bring_what_it_wants(
    held: int, coming: int, *, news: bool
) -> None:
    assert KNOWN.shows_news(held, coming) is news


def test_what_peers_bring_matters_only_where_pieces_are_drawn_that_they_hold() -> None:
    assert KNOWN.asks_what_comes
    assert not CloserLook(Reason.OWN, wanted=0b0110, held=0b1001, coming=0).asks_what_comes


def test_a_host_that_stands_still_believes_nothing_that_peers_claim() -> None:
    look = CloserLook(Reason.STANDSTILL, wanted=0b0110, held=0, coming=0)
    assert not look.believes_peers
    assert not look.shows_news(held=0b0110, coming=0b0110)
