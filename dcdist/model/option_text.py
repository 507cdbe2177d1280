"""Rates, durations and addresses as users write them, on the command line and in calls of the library.

Pure. Invariant: a text with two possible meanings is refused, and the message shows how to write each.
"""

from __future__ import annotations

import math
import re
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING

from dcdist.errors import UsageError
from dcdist.model.identity import LOWEST_PORT

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
        UsageError: It is none of these, or below 1 byte a second.
    """
    match = _RATE.fullmatch(text.strip())
    if match is None:
        raise UsageError(
            f"{text!r} is not a rate: write bytes a second (20MB, 500k, 1.5MiB) or bits a second (160mbit)"
        )
    return usable_rate(float(match[1]) * _unit(match[2], text), text)


def usable_rate(rate: float, written: object) -> float:
    """Return `rate`, in bytes a second, if it is one; `written` is what the user gave.

    Raises:
        UsageError: It is below 1 byte a second, infinite, or not a number.
    """
    if rate < 1:
        raise UsageError(f"{written!r} is too slow: the minimum is 1 byte a second; omit it for no limit")
    if not math.isfinite(rate):
        raise UsageError(f"{written!r} is not a rate: give bytes a second, or omit it for no limit")
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
    address = _ip_address(host[1:-1] if bracketed else host)
    if address is None:
        raise UsageError(
            f"{text!r} is not an address: write IP:PORT, for example 10.0.0.5:6881 or [fd00::5]:6881"
            + ("" if colon else "; the port is missing")
        )
    if isinstance(address, IPv6Address) is not bracketed:
        raise UsageError(f"{text!r} is not an address: write IPv4 as 10.0.0.5:6881 and IPv6 as [fd00::5]:6881")
    if not re.fullmatch(r"\d{1,5}", port_text, re.ASCII):
        raise UsageError(f"{text!r} has no usable port: {port_text!r} is not a number from 0 to 65535")
    return usable_address((str(address), int(port_text)), text, any_port=any_port)


def usable_address(address: Address, written: object, *, any_port: bool = False) -> Address:
    """Return an address in its usual form if it is one; `written` is what the user gave.

    `any_port` allows port 0 (any free port) and the address of all interfaces.

    Raises:
        UsageError: Its host is not an IP address, its port is beyond 65535 or below 1024, or it is not an address to
            connect to.
    """
    host, port = address
    ip = _ip_address(host)
    if ip is None:
        raise UsageError(
            f"{written!r} is not an address: the host must be an IP address, for example '10.0.0.5' or 'fd00::5'"
        )
    if not 0 <= port <= 65535:
        raise UsageError(f"{written!r} has no usable port: {str(port)!r} is not a number from 0 to 65535")
    if 0 < port < LOWEST_PORT:
        raise UsageError(
            f"{written!r} has no usable port: hosts trade on ports from {LOWEST_PORT} on; those below are for services "
            "of the system"
        )
    if not any_port and (port == 0 or ip.is_unspecified):
        raise UsageError(f"{written!r} is not an address to connect to: give one address and port of that host")
    return str(ip), port


def _ip_address(host: str) -> IPv4Address | IPv6Address | None:
    """The address, unless it is not one or needs an interface (`fe80::1%eth0`), which only this host knows."""
    try:
        return None if "%" in host else ip_address(host)
    except ValueError:
        return None
