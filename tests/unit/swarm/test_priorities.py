"""Which pieces peers are asked for, and in which order."""

from __future__ import annotations

from dcdist.swarm.priorities import Priorities


def of_all(priorities: Priorities) -> list[int]:
    return [priorities.of(piece) for piece in range(4)]


def test_a_reserved_piece_is_asked_of_no_peer_even_if_it_is_preferred() -> None:
    priorities = Priorities(4)
    priorities.prefer(0b0011, others=True)
    priorities.reserve(0b0101)
    assert of_all(priorities) == [0, 7, 0, 1]

    priorities.release(0b0001)
    assert of_all(priorities) == [7, 7, 0, 1]


def test_other_pieces_than_the_preferred_ones_can_be_left_out() -> None:
    priorities = Priorities(4)
    assert priorities.prefer(0b0100, others=False) == 0b1111
    assert of_all(priorities) == [0, 0, 7, 0]


def test_without_a_preference_all_pieces_are_equal_again() -> None:
    priorities = Priorities(4)
    priorities.prefer(0b0100, others=False)
    assert priorities.prefer(0, others=True) == 0b1111
    assert of_all(priorities) == [4, 4, 4, 4]


def test_only_pieces_whose_priority_changes_are_named() -> None:
    priorities = Priorities(4)
    priorities.prefer(0b0011, others=True)
    assert priorities.prefer(0b0110, others=True) == 0b0101
