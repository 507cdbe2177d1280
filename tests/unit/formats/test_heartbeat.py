from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dcdist.errors import UsageError
from dcdist.formats import heartbeat
from dcdist.model.identity import HostId, Prefix
from dcdist.model.member import Member, Role

HOST = HostId("0123456789abcdef0123456789abcdef")
DIGITS = "0001020310111213202122233031323300010203101112132021222330313233"
MEMBER = Member(HOST, 31, Role.DRAWER, "10.0.0.2", 6881, "3.1-rc_2", 0b101)
NAME = f"{DIGITS},1f,d,0a000002,6881,3.1-rc_2,5"


def test_a_member_has_one_name() -> None:
    assert heartbeat.name(MEMBER) == NAME
    assert heartbeat.parse(NAME) == MEMBER


@pytest.mark.parametrize(
    ("member", "name"),
    [
        (replace(MEMBER, role=Role.PEER, sequence=0, needs=0, port=1024), f"{DIGITS},0,p,0a000002,1024,3.1-rc_2,0"),
        (
            Member(HOST, (1 << 63) - 1, Role.SEEDER, "2001:db8::2", 65535, "a" * 100, (1 << 64) - 1),
            f"{DIGITS},7fffffffffffffff,s,20010db8000000000000000000000002,65535,{'a' * 100},ffffffffffffffff",
        ),
        (replace(MEMBER, address="127.0.0.1"), f"{DIGITS},1f,d,7f000001,6881,3.1-rc_2,5"),
        (replace(MEMBER, address="::1"), f"{DIGITS},1f,d,{1:032x},6881,3.1-rc_2,5"),
    ],
)
def test_every_part_passes(member: Member, name: str) -> None:
    assert heartbeat.name(member) == name
    assert heartbeat.parse(name) == member


@pytest.mark.parametrize(("bits", "digits"), [(0, ""), (2, "0"), (4, "00"), (6, "000"), (14, "0001020"), (128, DIGITS)])
def test_a_prefix_of_a_host_begins_its_name(bits: int, digits: str) -> None:
    assert heartbeat.beginning(Prefix.of(HOST, bits)) == digits


def test_an_ipv4_address_in_ipv6_form_is_written_as_ipv4() -> None:
    assert heartbeat.name(replace(MEMBER, address="::ffff:10.0.0.2")) == NAME


@pytest.mark.parametrize(
    "part",
    [
        {"address": "host.example"}, {"address": ""}, {"address": "0.0.0.0"}, {"address": "::"},
        {"address": "224.0.0.1"}, {"address": "ff02::1"}, {"address": "255.255.255.255"}, {"port": 0},
        {"port": 22}, {"port": 1023}, {"port": 65536}, {"port": -1}, {"needs": 1 << 64}, {"needs": -1},
        {"sequence": 1 << 63}, {"sequence": -1}, {"version": "a,b"}, {"version": ""}, {"host": "short"},
        {"host": DIGITS}, {"host": HOST.upper()},
    ],
)  # fmt: skip
def test_what_no_other_host_could_use_has_no_name(part: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        heartbeat.name(replace(MEMBER, **part))


def address(digits: str) -> str:
    return NAME.replace("0a000002", digits)


@pytest.mark.parametrize(
    "name",
    [
        "", "x", ",,,,,,", NAME[1:], "0" + NAME, "4" + NAME[1:], HOST + NAME[64:],
        NAME.upper(), NAME + ",", NAME + ",0", NAME + "\n", " " + NAME, "../" + NAME,
        NAME.replace(",1f,", ",01f,"), NAME.replace(",1f,", ",,"), NAME.replace(",1f,", ",-1,"),
        NAME.replace(",1f,", ",8000000000000000,"), NAME.replace(",1f,", ",10000000000000000,"),
        NAME.replace(",d,", ",x,"), NAME.replace(",d,", ",,"), address("0a0000"),
        address("0a00000g"), address("00000000"), address("00000001"),
        address("e0000001"), address("ffffffff"), address("f0000001"),
        address("0" * 32), address("ff02" + "0" * 27 + "1"),
        address("0" * 20 + "ffffe0000001"), address("0" * 20 + "ffff0a000002"),
        NAME.replace("6881", "0"), NAME.replace("6881", "65536"), NAME.replace("6881", "06881"),
        NAME.replace("6881", "99999"), NAME.replace("6881", "٦٨٨١"), NAME.replace("3.1-rc_2", ""),
        NAME.replace("3.1-rc_2", ".."), NAME.replace("3.1-rc_2", "a" * 101), NAME.replace("3.1-rc_2", "a/b"),
        NAME[:-1] + "1" + "0" * 16, NAME[:-1] + "05", NAME[:-1], NAME + "0" * 400,
    ],
)  # fmt: skip
def test_any_other_name_is_nobody(name: str) -> None:
    assert heartbeat.parse(name) is None
