"""Rates, durations, addresses and names, as users write them and as they are shown to users.

Pure. Invariant: a text with two possible meanings is refused, and the message shows how to write each.
"""

from __future__ import annotations

import re
from ipaddress import IPv6Address, ip_address
from typing import TYPE_CHECKING

from dcdist.errors import UsageError

if TYPE_CHECKING:
    from dcdist.model.identity import Address

_NUMBER = r"(\d{1,15}(?:\.\d{1,15})?)"
_RATE = re.compile(_NUMBER + r" ?([A-Za-z]*?)(?:/s)?", re.ASCII)
_DURATION = re.compile(_NUMBER + r" ?(s|m|h|d)", re.ASCII)

_PREFIXES = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "ki": 1 << 10, "mi": 1 << 20, "gi": 1 << 30}
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def parse_rate(text: str) -> float:
    """Bytes a second: `20MB`, `500k`, `1.5MiB` and plain numbers are bytes, `160mbit` and `1gbit` are bits.

    Raises:
        UsageError: It is none of these, or not above 0.
    """
    match = _RATE.fullmatch(text.strip())
    if match is None:
        raise UsageError(
            f"{text!r} is not a rate: write bytes a second (20MB, 500k, 1.5MiB) or bits a second (160mbit)"
        )
    rate = float(match[1]) * _unit(match[2], text)
    if rate < 1:
        raise UsageError(f"{text!r} is too slow: the minimum is 1 byte a second; omit it for no limit")
    return rate


def _unit(unit: str, text: str) -> float:
    """The bytes in one of this unit."""
    if re.fullmatch("[KMG]i?b", unit):
        raise UsageError(f"{text!r} may mean bytes or bits: write {text[:-1]}B for bytes or {text[:-1].lower()}bit")
    lower = unit.lower()
    if lower.endswith("bit") and lower[:-3] in _PREFIXES:
        return _PREFIXES[lower[:-3]] / 8
    if lower.removesuffix("b") in _PREFIXES:
        return _PREFIXES[lower.removesuffix("b")]
    raise UsageError(f"{text!r} has an unknown unit {unit!r}: write 20MB, 500k or 1.5MiB for bytes, 160mbit for bits")


def parse_duration(text: str) -> float:
    """Seconds: `90s`, `30m`, `2h`, `1.5d`, or `0`.

    Raises:
        UsageError: It is none of these.
    """
    stripped = text.strip()
    if stripped == "0":
        return 0.0
    match = _DURATION.fullmatch(stripped)
    if match is None:
        hint = f"; did you mean {stripped}s?" if re.fullmatch(_NUMBER, stripped, re.ASCII) else ""
        raise UsageError(f"{text!r} is not a duration: write 90s, 30m, 2h, 1d or 0{hint}")
    return float(match[1]) * _SECONDS[match[2]]


def parse_address(text: str, *, any_port: bool = False) -> Address:
    """`IP:PORT` or `[IPv6]:PORT`. `any_port` allows port 0 (any free port) and the address of all interfaces.

    Raises:
        UsageError: It is neither, or not an address to connect to.
    """
    host, colon, port_text = text.strip().rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    try:
        address = ip_address(host[1:-1] if bracketed else host)
    except ValueError as error:
        raise UsageError(
            f"{text!r} is not an address: write IP:PORT, for example 10.0.0.5:6881 or [fd00::5]:6881"
            + ("" if colon else "; the port is missing")
        ) from error
    if isinstance(address, IPv6Address) is not bracketed or "%" in host:
        raise UsageError(f"{text!r} is not an address: write IPv4 as 10.0.0.5:6881 and IPv6 as [fd00::5]:6881")
    if not re.fullmatch(r"\d{1,5}", port_text, re.ASCII) or int(port_text) > 65535:
        raise UsageError(f"{text!r} has no usable port: {port_text!r} is not a number from 0 to 65535")
    if not any_port and (int(port_text) == 0 or address.is_unspecified):
        raise UsageError(f"{text!r} is not an address to connect to: give one address and port of that host")
    return str(address), int(port_text)


def show_address(address: Address) -> str:
    """`IP:PORT` or `[IPv6]:PORT`."""
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


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


def printable(text: str) -> str:
    """The text without control characters, which terminals obey: names and messages may come from elsewhere."""
    return "".join(letter if letter.isprintable() or letter == "\n" else "\N{REPLACEMENT CHARACTER}" for letter in text)
