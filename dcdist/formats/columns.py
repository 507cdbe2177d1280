"""Columns of numbers as bytes: little-endian on every machine."""

from __future__ import annotations

import sys
from array import array
from itertools import accumulate
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from dcdist.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterable

Type: TypeAlias = Literal["H", "I", "Q", "q"]
"""Unsigned 16, 32 and 64 bits, signed 64 bits."""

WIDTHS: Final[dict[Type, int]] = {"H": 2, "I": 4, "Q": 8, "q": 8}
"""Bytes of one number."""


def write(numbers: array[int]) -> bytes:
    """The numbers in their array's width."""
    if sys.byteorder == "big":
        numbers = numbers[:]
        numbers.byteswap()
    return numbers.tobytes()


def read(data: bytes | memoryview, kind: Type) -> array[int]:
    """The numbers that `write` wrote.

    Raises:
        FormatError: The last number is cut off.
    """
    if len(data) % WIDTHS[kind]:
        raise FormatError(f"a column of {len(data)} bytes does not consist of {WIDTHS[kind]}-byte numbers")
    numbers: array[int] = array(kind)
    numbers.frombytes(data)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def starts(lengths: Iterable[int]) -> array[int]:
    """The start of each run, from 0, and the end of the last."""
    return array("Q", accumulate(lengths, initial=0))
