"""Names: releases, layers, hosts, addresses. A name that exists as one of these types is well formed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, NewType

from dcdist.errors import UsageError

Digest = NewType("Digest", bytes)
"""SHA-256, 32 bytes."""

LayerName = NewType("LayerName", str)
"""128 random bits as 32 lower-case hex digits."""

LineId = NewType("LineId", str)
"""The id of a line, the series of a demo's releases that succeed each other: 128 random bits in hex."""

UNLINED = LineId("0" * 32)
"""Stands for the releases without a line where a manifest says which lines its own replaces; no line has this id."""

NO_LINE: Final = LineId("none")
"""How a user names the releases without a line, which were published before there were lines."""

HostId = NewType("HostId", str)
"""128 bits as 32 lower-case hex digits; uniformly distributed, so that prefixes divide a fleet evenly."""

Address = tuple[str, int]
"""Where a host listens: its IP address, in its usual form, and its port."""

LOWEST_PORT = 1024
"""The lowest port of a host; those below are of a machine's own services, which no heartbeat may have hosts dial."""

PREFIX_STEP = 2
"""Bits that a longer prefix adds: one digit of a host id in base 4."""

_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_HEX_128 = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True, order=True)
class ReleaseName:
    """`demo@version`: each up to 100 letters, digits, `.`, `_` and `-`, beginning with a letter or a digit."""

    demo: str
    version: str

    def __post_init__(self) -> None:
        require_word(self.demo, what="demo")
        require_word(self.version, what="version")

    def __str__(self) -> str:
        return f"{self.demo}@{self.version}"

    @classmethod
    def parse(cls, text: str) -> ReleaseName:
        """Read `demo@version`.

        Raises:
            UsageError: The text does not have that form.
        """
        demo, at, version = text.partition("@")
        if not at:
            raise UsageError(f"release {text!r} has no version: write DEMO@VERSION, for example web-demo@3")
        return cls(demo, version)


def show_address(address: Address) -> str:
    """`IP:PORT` or `[IPv6]:PORT`."""
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def require_word(text: str, *, what: str) -> str:
    """Return `text` if it is valid as a demo, a version or a realm; `what` names it in the message.

    Raises:
        UsageError: It is not.
    """
    if not _WORD.fullmatch(text):
        raise UsageError(
            f"{what} {text!r} is invalid: use at most 100 letters, digits, '.', '_' and '-', beginning with a "
            "letter or a digit"
        )
    return text


def require_line(text: str, *, or_none: bool = False) -> LineId:
    """Return `text` if it is the id of a line; with `or_none` it may be NO_LINE too.

    Raises:
        UsageError: It is not.
    """
    if is_hex_128(text) or (or_none and text == NO_LINE):
        return LineId(text)
    none = f", or {NO_LINE!r} for releases without a line" if or_none else ""
    raise UsageError(
        f"{text!r} is not the id of a line: write its 32 hex digits in lower case, as `dcdist show` tells them{none}"
    )


def is_hex_128(text: str) -> bool:
    """Whether `text` is 32 lower-case hex digits, as names of layers and ids of hosts are."""
    return _HEX_128.fullmatch(text) is not None


def prefix_of(host: HostId, bits: int) -> int:
    """The first `bits` bits of a host id, as a number."""
    return int(host, 16) >> (128 - bits) if bits else 0


@dataclass(frozen=True, slots=True, order=True)
class Prefix:
    """The hosts whose ids begin with the same bits: `bits` of them, an even number, with this value.

    Every host belongs to the prefix of no bits.
    """

    bits: int = 0
    value: int = 0

    @classmethod
    def of(cls, host: HostId, bits: int) -> Prefix:
        """The prefix of `bits` bits that a host belongs to."""
        return cls(bits, prefix_of(host, bits))

    def holds(self, host: HostId) -> bool:
        """Whether a host belongs to it."""
        return prefix_of(host, self.bits) == self.value
