"""A heartbeat's name: it says everything about its host, so that one listing gives the members.

    id,sequence,role,address,port,version,needs

The id is 64 digits in base 4, so that the first digits of a name select the hosts of a prefix of any even number of
bits. Other numbers are lower-case hex without leading zeros; the address has 8 or 32 digits, the port is decimal.
Invariant: a member has one spelling, and `parse` accepts no other.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

from dcdist.errors import UsageError
from dcdist.model.identity import LOWEST_PORT, PREFIX_STEP, HostId, Prefix, is_hex_128
from dcdist.model.member import Member, Role

NAME_LIMIT: Final = 400
"""The most characters of a name; they are ASCII."""

_SEQUENCE_LIMIT: Final = 1 << 63
_HEX: Final = "0|[1-9a-f][0-9a-f]{0,15}"
_NAME: Final = re.compile(
    rf"(?P<host>[0-3]{{64}}),(?P<sequence>{_HEX}),(?P<role>[dps]),(?P<address>[0-9a-f]{{8}}|[0-9a-f]{{32}}),"
    rf"(?P<port>[1-9][0-9]{{0,4}}),(?P<version>[A-Za-z0-9][A-Za-z0-9._-]{{0,99}}),(?P<needs>{_HEX})"
)


def name(member: Member) -> str:
    """The name of a member's heartbeat.

    Raises:
        UsageError: Other hosts could not connect to the address or port, or another part is invalid.
    """
    try:
        address = ip_address(member.address)
    except ValueError as error:
        raise UsageError(f"{member.address!r} is not an IP address at which this host can be reached") from error
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    parts = (
        _digits(member.host), f"{member.sequence:x}", member.role.value, address.packed.hex(), f"{member.port}",
        member.version, f"{member.needs:x}",
    )  # fmt: skip
    text = ",".join(parts)
    if parse(text) is None:
        raise UsageError(f"no other host could connect to {member.address} port {member.port} (heartbeat {text})")
    return text


def beginning(prefix: Prefix) -> str:
    """The beginning that the names of the members of a prefix have, and no others."""
    count = prefix.bits // PREFIX_STEP
    return "".join(f"{prefix.value >> PREFIX_STEP * place & 3}" for place in reversed(range(count)))


def parse(name: str) -> Member | None:
    """The member that a heartbeat's name describes; None for any other text."""
    match = _NAME.fullmatch(name) if len(name) <= NAME_LIMIT else None
    if match is None:
        return None
    address = _address(bytes.fromhex(match["address"]))
    sequence, port = int(match["sequence"], 16), int(match["port"])
    if address is None or sequence >= _SEQUENCE_LIMIT or not LOWEST_PORT <= port <= 0xFFFF:
        return None
    return Member(
        HostId(f"{int(match['host'], 4):032x}"),
        sequence,
        Role(match["role"]),
        str(address),
        port,
        match["version"],
        int(match["needs"], 16),
    )


def _digits(host: HostId) -> str:
    """An id in base 4; empty if `host` is not an id."""
    return beginning(Prefix.of(host, 128)) if is_hex_128(host) else ""


def _address(packed: bytes) -> IPv4Address | IPv6Address | None:
    """An address that a host can have, or None; loopback is valid, for hosts on one machine.

    None has a multicast, unspecified or reserved one, nor that of a broadcast (255.255.255.255, which is reserved).
    """
    address = ip_address(packed)
    if address.is_multicast or address.is_unspecified:
        return None
    if isinstance(address, IPv4Address):
        return None if address.is_reserved or packed[0] == 0 else address
    return None if address.ipv4_mapped else address
