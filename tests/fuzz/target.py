"""A target: bytes in, and an error for whatever a decoder must not do with them.

Targets do no I/O and read no clock, so that a million executions take minutes and each can be repeated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dcdist.errors import FormatError, IntegrityError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

REFUSALS = (FormatError, IntegrityError)
"""What a decoder may raise for bytes that it does not take."""


@dataclass(frozen=True, slots=True)
class Target:
    """One target. `run` returns for input that was taken or rightly refused, and raises for everything else.

    `decoders` are the functions of dcdist that it is there for, `seeds` inputs that reach far into them, and
    `max_length` bounds an input, in bytes.
    """

    name: str
    run: Callable[[bytes], None]
    decoders: Sequence[Callable[..., object]]
    seeds: Callable[[], Sequence[bytes]]
    max_length: int = 512


def require(holds: bool, rule: str) -> None:
    """Check what must hold of everything that is taken.

    Raises:
        AssertionError: It does not.
    """
    if not holds:
        raise AssertionError(rule)
