"""Which keys there are, for all adapters: relative, plain ASCII, never out of the store's prefix."""

from __future__ import annotations

import re

from dcdist.errors import InvariantError

_PART = r"[A-Za-z0-9_,-][A-Za-z0-9._,-]*"
_KEY = re.compile(rf"{_PART}(?:/{_PART})*")
KEY_LIMIT = 800
"""The most characters of a key; Swift takes names of 1,024 bytes, with the store's prefix."""


def is_key(text: str) -> bool:
    """Whether `text` can be a key: parts of letters, digits, `.`, `_`, `-`, `,`, none empty or beginning with `.`."""
    return len(text) <= KEY_LIMIT and _KEY.fullmatch(text) is not None


def require_key(text: str) -> str:
    """Return `text` if it can be a key.

    Raises:
        InvariantError: It cannot; its maker should have checked the names in it.
    """
    if not is_key(text):
        raise InvariantError(f"{text[:100]!r} cannot be the key of an object")
    return text


def require_range(start: int, length: int) -> None:
    """Check that a read asks for at least one byte, from a possible place.

    Raises:
        InvariantError: It does not.
    """
    if start < 0 or length < 1:
        raise InvariantError(f"a read of {length} bytes from {start} is impossible")
