"""What the end of a connection tells of the host that was dialled."""

from __future__ import annotations

from unittest.mock import Mock

import libtorrent as lt
import pytest

from dcdist.swarm.dials import Dials

HOST = ("10.0.0.9", 6881)


def ended(message: str, operation: int = lt.operation_t.bittorrent, place: tuple[str, int] = HOST) -> Mock:
    """The alert of an end."""
    alert = Mock(endpoint=place, op=operation)
    alert.error.message.return_value = message
    alert.pid.is_all_zeros.return_value = True
    return alert


def dialled() -> Dials:
    dials = Dials()
    dials.began(HOST, now=10.0)
    return dials


def test_a_host_is_silent_from_the_first_dial_on() -> None:
    dials = dialled()
    dials.began(HOST, now=15.0)
    assert dials.silence(HOST) == (10.0, "")


@pytest.mark.parametrize(
    ("message", "operation", "failure"),
    [
        ("Connection refused", lt.operation_t.connect, "connection refused"),
        ("timed out", lt.operation_t.bittorrent, "timed out"),
        ("timed out: no handshake", lt.operation_t.bittorrent, "timed out"),
    ],
)
def test_a_dial_that_found_nobody_leaves_it_silent_and_says_why(message: str, operation: int, failure: str) -> None:
    dials = dialled()
    dials.ended(ended(message, operation), now=16.0)
    assert dials.silence(HOST) == (10.0, failure)


def test_a_host_that_hangs_up_has_answered() -> None:
    dials = dialled()
    dials.ended(ended("Connection refused", lt.operation_t.connect), now=11.0)
    dials.ended(ended("End of file", lt.operation_t.sock_read), now=16.0)
    assert dials.silence(HOST) == (None, "")
    dials.ended(ended("Connection refused", lt.operation_t.connect), now=20.0)
    assert dials.silence(HOST) == (20.0, "connection refused")


def test_a_host_that_is_linked_has_answered() -> None:
    dials = dialled()
    dials.answered(HOST)
    assert dials.silence(HOST) == (None, "")


def test_of_others_and_of_those_that_were_forgotten_nothing_is_known() -> None:
    dials = dialled()
    dials.ended(ended("End of file", place=("10.0.0.7", 40_000)), now=11.0)
    assert dials.silence(HOST) == (10.0, "")
    dials.forget(HOST)
    assert dials.silence(HOST) == (None, "")


def test_one_that_hangs_up_before_it_says_who_it_is_may_not_know_this_host() -> None:
    dials = dialled()
    assert dials.ended(ended("End of file", lt.operation_t.sock_read), now=11.0)
    assert not dials.ended(ended("Connection refused", lt.operation_t.connect), now=11.0)
    assert not dials.ended(ended("End of file", place=("10.0.0.10", 6881)), now=11.0)
    known = ended("End of file", lt.operation_t.sock_read)
    known.pid.is_all_zeros.return_value = False
    assert not dials.ended(known, now=11.0)
