"""Sizes as people write them, in bytes."""

from __future__ import annotations

import re

UNITS = {"": 1, "k": 1000, "m": 1000**2, "g": 1000**3, "ki": 1 << 10, "mi": 1 << 20, "gi": 1 << 30}


def parse_size(text: str) -> int:
    """Bytes of `1GiB`, `700MiB`, `1.5GB` or `1000`.

    Raises:
        ValueError: It is not a size.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmg]i?|)b?", text.strip().lower())
    if match is None:
        raise ValueError(f"{text!r} is not a size; write it like 1GiB, 700MiB or 1.5GB")
    return round(float(match[1]) * UNITS[match[2]])
