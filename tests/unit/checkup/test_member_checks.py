"""Which hosts are of another address family than this one."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from dcdist.checkup import member_checks
from dcdist.checkup.checkup_request import CheckupRequest
from dcdist.checkup.findings.member_findings import Dialled
from dcdist.engine.fetch_options import Reach
from dcdist.node.interfaces import Routes

if TYPE_CHECKING:
    from dcdist.model.identity import Address

LAN = Routes(interfaces=("10.0.0.5",))
LAN_IPV6 = Routes(interfaces=("fd00::5",))
NOTHING = Routes()


@pytest.mark.parametrize(
    ("ipv4", "ipv6", "words"),
    [
        (LAN, NOTHING, "is IPv6, and this host has only IPv4"),
        (LAN, LAN_IPV6, "there is no route"),
        (NOTHING, NOTHING, "there is no route"),
    ],
)
async def test_without_a_route_the_family_is_blamed_only_where_this_host_has_just_the_other_one(
    monkeypatch: pytest.MonkeyPatch, ipv4: Routes, ipv6: Routes, words: str
) -> None:
    async def dial(_: Address) -> Dialled:
        return Dialled.NO_ROUTE

    def read(family: socket.AddressFamily, _: str | None) -> Routes:
        return ipv6 if family is socket.AF_INET6 else ipv4

    monkeypatch.setattr(member_checks, "dial", dial)
    monkeypatch.setattr(member_checks, "read_routes", read)
    request = CheckupRequest("file:///store", reach=Reach(peers=(("fd00::7", 6881),)))

    assert words in (await member_checks.check_peers(request)).message
