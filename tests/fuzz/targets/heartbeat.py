"""Heartbeats' names, which any host may write: nobody, or one member with one spelling."""

from __future__ import annotations

from dcdist.formats import heartbeat, object_names
from dcdist.model.identity import Prefix
from dcdist.store.object_keys import is_key
from tests.fuzz.target import Target, require

_ID = "0123" * 16
_REST = (
    "0,d,0a000001,1,1,0", "1f,p,7f000001,65535,3.14-x_y,ff", "ffffffffffffffff,d,0a000001,1,1,0",
    "7fffffffffffffff,s,20010db8000000000000000000000001,80,a,1", "0,d,e0000001,1,1,0", "0,d,f0000001,1,1,0",
    "0,d,00000001,1,1,0", "0,d,00000000000000000000ffff0a000001,1,1,0", "0,d,00000000000000000000000000000000,1,1,0",
    "0,d,ff020000000000000000000000000001,1,1,0", "0,d,0a000001,65536,1,0", "0,x,0a000001,1,1,0",
    "00,d,0a000001,1,1,0", "0,d,0a000001,1,1,ffffffffffffffff", "0,d,fe800000000000000000000000000001,1,1,0",
    "0,d,0a000001,1," + "v" * 100 + ",0",
)  # fmt: skip


def run(data: bytes) -> None:
    """The first byte tells whether the rest is a name, or what follows a valid id; and its encoding."""
    first, rest = data[0] if data else 0, data[1:]
    text = rest.decode("latin-1") if first & 2 else rest.decode("utf-8", "replace")
    if first & 1:
        text = f"{_ID},{text}"
    member = heartbeat.parse(text)
    if member is None:
        return
    require(heartbeat.name(member) == text, "there is one spelling of a member")
    require(len(text) <= heartbeat.NAME_LIMIT, "no name is too long")
    require(is_key(object_names.swarm_prefix("d" * 100, "r" * 100) + text), "the name can stand in a store")
    require(text.startswith(heartbeat.beginning(Prefix.of(member.host, 64))), "a prefix's names begin with it")


def seeds() -> list[bytes]:
    """Names, valid and not."""
    return [
        *(b"\x01" + rest.encode() for rest in _REST),
        *(f"\0{_ID},{rest}".encode() for rest in _REST[:3]),
        b"\x02\xb2",
    ]


TARGET = Target("heartbeat", run, [heartbeat.parse], seeds, max_length=420)
