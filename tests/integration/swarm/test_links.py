"""Links between hosts: made once, found again when lost; what is counted, and what is bounded."""

from __future__ import annotations

import asyncio
import itertools
import socket
from contextlib import ExitStack
from ipaddress import ip_address
from typing import TYPE_CHECKING

import pytest

from dcdist.errors import SwarmError
from dcdist.model.geometry import KIB, MIB
from dcdist.model.identity import HostId
from dcdist.policy.fleet.reachability import Contact
from dcdist.ports.swarm import PiecesPassed
from dcdist.swarm import listening, open_swarm
from tests.support import virtual_time
from tests.support.cached_layers import everything, file_layer
from tests.support.layers import sample_layer
from tests.support.swarms import finished, until

if TYPE_CHECKING:
    from pathlib import Path

    from dcdist.swarm import TorrentSwarm

LENGTH = 4 * MIB + 1000
SAMPLE = sample_layer(LENGTH)
ALL = everything(SAMPLE.index)


async def test_a_host_that_comes_back_is_found_again(tmp_path: Path) -> None:
    async with open_swarm(("127.0.0.1", 0)) as taker:
        shared = await taker.add(file_layer(tmp_path / "taker", SAMPLE))
        shared.reserve(0b11)
        async with open_swarm(("127.0.0.1", 0)) as giver:
            port = giver.port
            await giver.add(file_layer(tmp_path / "giver", SAMPLE, have=ALL))
            taker.connect("127.0.0.1", port)
            await finished(taker, ALL & ~0b11)
        await until(lambda: taker.statistics().peers == 0)
        shared.release(0b11)
        async with open_swarm(("127.0.0.1", port)) as giver:
            await giver.add(file_layer(tmp_path / "giver", SAMPLE, have=ALL))
            await finished(taker, 0b11)
            await until(lambda: taker.statistics().peers_seen == 2)


async def test_a_link_to_a_host_that_was_forgotten_goes_on(tmp_path: Path) -> None:
    async with open_swarm(("127.0.0.1", 0)) as giver, open_swarm() as taker:
        await giver.add(file_layer(tmp_path / "giver", SAMPLE, have=ALL))
        shared = await taker.add(file_layer(tmp_path / "taker", SAMPLE))
        shared.reserve(0b11)
        taker.connect("127.0.0.1", giver.port)
        await finished(taker, ALL & ~0b11)
        taker.forget("127.0.0.1", giver.port)
        shared.release(0b11)
        await finished(taker, 0b11)


async def test_hosts_that_connect_to_each_other_and_to_themselves_have_one_link(tmp_path: Path) -> None:
    async with open_swarm(("127.0.0.1", 0)) as one, open_swarm(("127.0.0.1", 0)) as other:
        samples = [sample_layer(seed=seed) for seed in (1, 2, 3)]
        for sample in samples:
            name = sample.index.layer
            await one.add(file_layer(tmp_path / "one" / name, sample, have=everything(sample.index)))
            await other.add(file_layer(tmp_path / "other" / name, sample))
        for swarm in (one, other, one):
            swarm.connect("127.0.0.1", one.port)
            swarm.connect("127.0.0.1", other.port)
        missing = sum(sample.index.geometry.piece_count for sample in samples)
        while missing:
            for event in await other.events():
                assert isinstance(event, PiecesPassed)
                missing -= event.pieces.bit_count()
        await until(lambda: one.statistics().peers == other.statistics().peers == 1)
        assert (one.statistics().peers_seen, other.statistics().peers_seen) == (1, 1)


async def test_what_linked_hosts_lack_is_told_over_all_layers_and_nothing_of_those_that_are_done(
    tmp_path: Path,
) -> None:
    samples = [sample_layer(LENGTH, seed=seed) for seed in (1, 2)]
    piece = SAMPLE.index.geometry.piece_length
    async with (
        open_swarm(("127.0.0.1", 0)) as giver,
        open_swarm(("127.0.0.1", 0)) as done,
        open_swarm(("127.0.0.1", 0)) as taker,
    ):
        for number, sample in enumerate(samples):
            await giver.add(file_layer(tmp_path / f"giver{number}", sample, have=ALL))
            await done.add(file_layer(tmp_path / f"done{number}", sample, have=ALL))
            shared = await taker.add(file_layer(tmp_path / f"taker{number}", sample))
            shared.reserve(0b111 << number)
        taker.connect("127.0.0.1", giver.port)
        done.connect("127.0.0.1", giver.port)
        done.connect("127.0.0.1", taker.port)
        await until(lambda: giver.lacking() == (6 * piece,))
        await until(lambda: done.lacking() == (6 * piece,))
        await until(lambda: taker.statistics().peers == 2 and taker.lacking() == ())
        shared.release(ALL)
        await until(lambda: giver.lacking() == (3 * piece,))


async def test_a_host_that_listens_nowhere_trades_too(tmp_path: Path) -> None:
    async with open_swarm(("127.0.0.1", 0)) as giver, open_swarm() as taker:
        await giver.add(file_layer(tmp_path / "giver", SAMPLE, have=ALL))
        await taker.add(file_layer(tmp_path / "taker", SAMPLE))
        taker.connect("127.0.0.1", giver.port)
        assert taker.port == 0
        await finished(taker, ALL)


async def test_hosts_trade_over_ipv6(tmp_path: Path) -> None:
    async with open_swarm(("::1", 0)) as giver, open_swarm(("::1", 0)) as taker:
        await giver.add(file_layer(tmp_path / "giver", SAMPLE, have=ALL))
        await taker.add(file_layer(tmp_path / "taker", SAMPLE))
        taker.connect("::1", giver.port)
        await finished(taker, ALL)


@pytest.mark.parametrize(("anywhere", "somewhere"), [("0.0.0.0", "127.0.0.1"), ("::", "::1")])
async def test_listening_on_all_addresses_there_is_one_port(anywhere: str, somewhere: str, tmp_path: Path) -> None:
    async with open_swarm((anywhere, 0)) as giver, open_swarm() as taker:
        await giver.add(file_layer(tmp_path / "giver", SAMPLE, have=ALL))
        await taker.add(file_layer(tmp_path / "taker", SAMPLE))
        taker.connect(somewhere, giver.port)
        await finished(taker, ALL)


EVERYWHERE = (("0.0.0.0", 0), ("::", 0))


@pytest.mark.parametrize("somewhere", ["127.0.0.1", "::1"])
async def test_a_host_that_listens_in_both_families_has_one_port_in_both(somewhere: str, tmp_path: Path) -> None:
    async with open_swarm(*EVERYWHERE) as giver, open_swarm() as taker:
        assert giver.listening == (("0.0.0.0", giver.port), ("::", giver.port))
        await giver.add(file_layer(tmp_path / "giver", SAMPLE, have=ALL))
        await taker.add(file_layer(tmp_path / "taker", SAMPLE))
        taker.connect(somewhere, giver.port)
        await finished(taker, ALL)


async def test_a_port_that_is_taken_in_one_family_is_not_one_for_both() -> None:
    with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as other:
        other.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        other.bind(("::1", 0))
        taken = other.getsockname()[1]
        with pytest.raises(OSError, match="in use"), ExitStack() as stack:
            listening._bound_port([ip_address("127.0.0.1"), ip_address("::1")], stack, port=taken)


async def test_a_family_that_this_machine_lacks_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "_can_bind", lambda address: address.version == 4)
    async with open_swarm(*EVERYWHERE) as swarm:
        assert swarm.listening == (("0.0.0.0", swarm.port),)


def test_a_session_that_says_nothing_is_given_up_after_five_seconds() -> None:
    async def main() -> None:
        listener = listening.Listener([("0.0.0.0", 0)])
        with pytest.raises(SwarmError, match=r"does not listen on any port of 0\.0\.0\.0, and does not say why"):
            await listener.wait()
        assert asyncio.get_running_loop().time() == 5.0

    virtual_time.run(main())


async def test_a_host_knows_by_its_id_that_another_is_linked_whoever_dialled(tmp_path: Path) -> None:
    one_id, other_id = HostId("1" * 32), HostId("2" * 32)
    async with open_swarm(("127.0.0.1", 0), host=one_id) as one, open_swarm(host=other_id) as other:
        await one.add(file_layer(tmp_path / "one", SAMPLE, have=ALL))
        await other.add(file_layer(tmp_path / "other", SAMPLE))
        other.connect("127.0.0.1", one.port)
        await finished(other, ALL)
        await until(lambda: one.contact(other_id, "127.0.0.1", 9) == Contact(("127.0.0.1", 9), linked=True))
        there = Contact(("127.0.0.1", one.port), linked=True)
        await until(lambda: other.contact(one_id, "127.0.0.1", one.port) == there)
        assert other.contact(None, "127.0.0.1", one.port) == there
        assert one.contact(HostId("3" * 32), "127.0.0.1", one.port) is None


async def test_a_host_that_does_not_answer_is_told_from_one_that_does(tmp_path: Path) -> None:
    with socket.socket() as probe:
        nobody = _bound(probe, "127.0.0.1")
    async with open_swarm(("127.0.0.1", 0)) as stranger, open_swarm() as swarm:
        await swarm.add(file_layer(tmp_path / "layer", SAMPLE))
        began = asyncio.get_running_loop().time()
        for port in (nobody, stranger.port):
            swarm.connect("127.0.0.1", port)
        await until(lambda: _failure(swarm, nobody) == "connection refused")
        silent = swarm.contact(None, "127.0.0.1", nobody)
        assert silent is not None
        assert silent.silent_since is not None
        assert began <= silent.silent_since <= asyncio.get_running_loop().time()
        # It trades no layer of this host, and hangs up: that is an answer.
        await until(lambda: swarm.contact(None, "127.0.0.1", stranger.port) == Contact(("127.0.0.1", stranger.port)))


def _failure(swarm: TorrentSwarm, port: int) -> str:
    contact = swarm.contact(None, "127.0.0.1", port)
    return "" if contact is None else contact.failure


async def test_hosts_of_one_machine_trade_on_one_port_of_different_addresses(tmp_path: Path) -> None:
    async with open_swarm(("127.0.0.2", 0)) as giver, open_swarm(("127.0.0.3", giver.port)) as taker:
        await giver.add(file_layer(tmp_path / "giver", SAMPLE, have=ALL))
        await taker.add(file_layer(tmp_path / "taker", SAMPLE))
        taker.connect("127.0.0.2", giver.port)
        await finished(taker, ALL)


async def test_links_come_from_the_address_that_is_listened_on(tmp_path: Path) -> None:
    async with open_swarm(("127.0.0.1", 0)) as giver, open_swarm(("127.0.0.7", 0)) as taker:
        await giver.add(file_layer(tmp_path / "giver", SAMPLE, have=ALL))
        shared = await taker.add(file_layer(tmp_path / "taker", SAMPLE))
        taker.connect("127.0.0.1", giver.port)
        await finished(taker, ALL)
        assert [peer.local_endpoint()[0] for peer in shared._handle.get_peer_info()] == ["127.0.0.7"]


async def test_limits_hold_between_hosts_of_one_network(tmp_path: Path) -> None:
    """While 64 MiB come from a host that is free, one that is bounded gives next to nothing, though on loopback."""
    slow, quick = sample_layer(32 * MIB, seed=1), sample_layer(64 * MIB, seed=2)
    async with (
        open_swarm(("127.0.0.1", 0)) as bounded,
        open_swarm(("127.0.0.1", 0)) as free,
        open_swarm() as taker,
    ):
        bounded.limit(up=512.0 * KIB, down=None)
        await bounded.add(file_layer(tmp_path / "bounded", slow, have=everything(slow.index)))
        await free.add(file_layer(tmp_path / "free", quick, have=everything(quick.index)))
        await taker.add(file_layer(tmp_path / "slow", slow))
        await taker.add(file_layer(tmp_path / "quick", quick))
        taker.connect("127.0.0.1", bounded.port)
        await until(lambda: bounded.statistics().to_peers > 0)
        taker.connect("127.0.0.1", free.port)
        missing = quick.index.geometry.piece_count
        while missing:
            for event in await taker.events():
                assert isinstance(event, PiecesPassed)
                missing -= event.pieces.bit_count() if event.layer == quick.index.layer else 0
        assert 0 < bounded.statistics().to_peers < 8 * MIB


async def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    async with open_swarm(("127.0.0.1", 0)) as first:
        with pytest.raises(SwarmError, match=f"127.0.0.1 port {first.port}.*in use"):
            async with open_swarm(("127.0.0.1", first.port)):
                pytest.fail("it listens where another does")


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0"])
@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM], ids=["TCP", "UDP"])
async def test_where_any_port_will_do_one_that_is_taken_at_the_last_moment_is_left(
    kind: socket.SocketKind, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_INET, kind) as other, socket.socket(socket.AF_INET, kind) as another:
        taken = [_bound(other, address), _bound(another, address)]
        found = iter(taken)
        free_port = listening._free_port
        monkeypatch.setattr(listening, "_free_port", lambda address: next(found, 0) or free_port(address))
        async with open_swarm((address, 0)) as swarm:
            assert swarm.port not in {0, *taken}


@pytest.mark.parametrize("found", [1, 3, 100])
async def test_when_no_port_stays_free_it_says_so(found: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with ExitStack() as stack:
        others = [stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) for _ in range(found)]
        taken = itertools.cycle([_bound(other, "127.0.0.1") for other in others])
        monkeypatch.setattr(listening, "_free_port", lambda _: next(taken))
        with pytest.raises(SwarmError, match=r"UDP.*in use"):
            async with open_swarm(("127.0.0.1", 0)):
                pytest.fail("it listens where another does")


def _bound(other: socket.socket, address: str) -> int:
    other.bind((address, 0))
    if other.type is socket.SOCK_STREAM:
        other.listen()
    port: int = other.getsockname()[1]
    return port


@pytest.mark.parametrize("listen", [("192.0.2.77", 7000), ("192.0.2.77", 0), ("somewhere", 7000), ("127.0.0.1", 70000)])
async def test_where_nobody_can_listen_it_says_so(listen: tuple[str, int]) -> None:
    with pytest.raises(SwarmError, match=listen[0]):
        async with open_swarm(listen):
            pytest.fail("it listens there")


@pytest.mark.parametrize("endpoint", [("somewhere", 7000), ("127.0.0.1", 0), ("127.0.0.1", 70000)])
async def test_what_is_no_endpoint_is_refused(endpoint: tuple[str, int]) -> None:
    async with open_swarm() as swarm:
        with pytest.raises(SwarmError):
            swarm.connect(*endpoint)
