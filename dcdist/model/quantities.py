"""Sizes, rates and durations as they are shown to users. Pure. Invariant: what is shown can be read at a glance."""

from __future__ import annotations


def show_bytes(count: float) -> str:
    """Three or four digits and a decimal unit: `296 MB`, `1.07 GB`."""
    if count < 1000:
        return f"{count:.0f} B"
    for unit in ("kB", "MB", "GB", "TB"):
        count /= 1000
        if count < 999.5 or unit == "TB":
            break
    digits = 2 if count < 9.995 else 1 if count < 99.95 else 0
    return f"{count:.{digits}f} {unit}"


def show_count(count: int, thing: str) -> str:
    """`0 images`, `1 image`, `2 images`; `thing` is a word whose plural ends in s."""
    return f"{count} {thing}" + ("" if count == 1 else "s")


def show_rate(rate: float) -> str:
    """Bytes a second, for people."""
    return f"{show_bytes(rate)}/s"


def show_duration(seconds: float) -> str:
    """`0.8 s`, `42 s`, `3 min 5 s`, `2 h 10 min`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return _two(whole // 60, "min", whole % 60, "s")
    minutes = round(seconds / 60)
    return _two(minutes // 60, "h", minutes % 60, "min")


def _two(large: int, large_unit: str, small: int, small_unit: str) -> str:
    return f"{large} {large_unit}" + (f" {small} {small_unit}" if small else "")
