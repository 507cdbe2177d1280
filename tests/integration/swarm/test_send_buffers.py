"""The kernel's send buffers of real links: large for a lone link, small where there are many."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from pathlib import Path

from dcdist.model.geometry import KIB, MIB
from dcdist.swarm import open_swarm
from tests.support.cached_layers import everything, file_layer
from tests.support.layers import sample_layer
from tests.support.swarms import finished, until

SAMPLE = sample_layer(4 * MIB + 1000)
ALL = everything(SAMPLE.index)
ONE_OF_MANY = 96 * KIB
"""What the kernel makes of 48 KiB."""

LONE = 2 * min(336 * KIB, int(Path("/proc/sys/net/core/wmem_max").read_text()))
"""What it makes of 336 KiB, or grants of it."""


def send_buffers(port: int) -> list[int]:
    """Sizes of this process's ends of the TCP connections from or to that port."""
    found = []
    for number in os.listdir("/proc/self/fd"):
        with suppress(OSError):  # not a socket, not connected, or gone by now
            if not os.readlink(f"/proc/self/fd/{number}").startswith("socket:"):
                continue
            with socket.socket(fileno=os.dup(int(number))) as end:
                if end.family == socket.AF_INET and port in (end.getsockname()[1], end.getpeername()[1]):
                    found.append(end.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF))
    return found


async def trade(folder: Path, *, others: int) -> list[int]:
    """The buffers of a link that brought a layer, between hosts that know so many others (whom they cannot reach)."""
    async with open_swarm(("127.0.0.1", 0)) as giver, open_swarm() as taker:
        for swarm in (giver, taker):
            for port in range(1, 1 + others):
                swarm.connect("127.0.0.1", port)
        await giver.add(file_layer(folder / "giver", SAMPLE, have=ALL))
        await taker.add(file_layer(folder / "taker", SAMPLE))
        taker.connect("127.0.0.1", giver.port)
        await finished(taker, ALL)
        return send_buffers(giver.port)


async def test_both_ends_of_a_lone_link_have_large_buffers(tmp_path: Path) -> None:
    assert await trade(tmp_path, others=0) == [LONE, LONE]


async def test_both_ends_of_one_of_many_links_have_small_buffers(tmp_path: Path) -> None:
    assert await trade(tmp_path, others=7) == [ONE_OF_MANY, ONE_OF_MANY]


async def test_hosts_that_come_later_have_smaller_buffers_than_the_first(tmp_path: Path) -> None:
    async with open_swarm(("127.0.0.1", 0)) as giver, open_swarm() as first, open_swarm() as second:
        await giver.add(file_layer(tmp_path / "giver", SAMPLE, have=ALL))
        for number, taker in enumerate((first, second)):
            taker.connect("127.0.0.1", giver.port)
            await taker.add(file_layer(tmp_path / f"taker{number}", SAMPLE))
            await finished(taker, ALL)
            for port in range(1, 8):
                giver.connect("127.0.0.1", port)
        await until(lambda: giver.statistics().peers == 2)
        assert sorted(size == ONE_OF_MANY for size in send_buffers(giver.port)) == [False, False, False, True]
