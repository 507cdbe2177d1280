"""Hosts that trade layers with each other: real sessions on loopback."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest

from dcdist.model.geometry import MIB
from dcdist.model.pieces import each, span
from dcdist.ports.swarm import PeerBanned, PeersLied, PieceFailed, PiecesPassed
from dcdist.swarm import open_swarm, session
from tests.support.cached_layers import everything, file_layer
from tests.support.layers import sample_layer
from tests.support.swarms import finished, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from dcdist.ports.swarm import SwarmEvent
    from dcdist.swarm import TorrentSwarm

    Host = Callable[[], Awaitable[TorrentSwarm]]

LENGTH = 4 * MIB + 1000
SAMPLE = sample_layer(LENGTH)
ALL = everything(SAMPLE.index)
ALL_OF_LARGE = span(0, 512)


@pytest.fixture
async def host() -> AsyncIterator[Host]:
    async with AsyncExitStack() as stack:
        yield lambda: stack.enter_async_context(open_swarm(("127.0.0.1", 0)))


async def test_a_whole_layer_comes_from_a_peer(host: Host, tmp_path: Path) -> None:
    giver, taker = await host(), await host()
    await giver.add(file_layer(tmp_path / "giver", SAMPLE, have=ALL))
    layer = file_layer(tmp_path / "taker", SAMPLE)
    shared = await taker.add(layer)
    taker.connect("127.0.0.1", giver.port)
    await finished(taker, ALL)
    await shared.flush()
    assert layer.path.read_bytes() == SAMPLE.data
    await until(lambda: taker.statistics().from_peers == LENGTH)
    await until(lambda: giver.statistics().to_peers == LENGTH)
    assert (taker.statistics().wasted, taker.statistics().to_peers, giver.statistics().from_peers) == (0, 0, 0)


async def test_two_halves_make_a_whole_on_both_sides(host: Host, tmp_path: Path) -> None:
    one, other = await host(), await host()
    layers = [
        file_layer(tmp_path / "one", SAMPLE, have=span(0, 9)),
        file_layer(tmp_path / "other", SAMPLE, have=span(9, 17)),
    ]
    await one.add(layers[0])
    await other.add(layers[1])
    one.connect("127.0.0.1", other.port)
    assert await finished(one, span(9, 17)) == span(9, 17)
    assert await finished(other, span(0, 9)) == span(0, 9)
    await one.close()
    await other.close()
    assert [layer.path.read_bytes() for layer in layers] == [SAMPLE.data, SAMPLE.data]


async def test_what_a_peer_has_just_come_to_hold_is_known_when_asked_for(host: Host, tmp_path: Path) -> None:
    giver, taker = await host(), await host()
    given = await giver.add(file_layer(tmp_path / "giver", SAMPLE, have=1))
    taken = await taker.add(file_layer(tmp_path / "taker", SAMPLE))
    taken.reserve(ALL)
    taker.connect("127.0.0.1", giver.port)
    await until(lambda: taken.available() == 1)
    await given.inject(3, SAMPLE.piece(3))
    while await taken.latest_available() != 0b1001:
        pass
    assert taken.available() == 0b1001


async def test_what_a_peer_holds_is_known_as_soon_as_it_is_linked_when_asked_for(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "_LOOK", 3600.0)  # no housekeeping notices the link
    giver, taker = await host(), await host()
    await giver.add(file_layer(tmp_path / "giver", SAMPLE, have=1))
    taken = await taker.add(file_layer(tmp_path / "taker", SAMPLE))
    taken.reserve(ALL)
    taker.connect("127.0.0.1", giver.port)
    async with asyncio.timeout(10.0):
        while await taken.latest_available() != 1:
            pass


async def test_a_look_at_what_peers_have_ends_when_the_session_does(host: Host, tmp_path: Path) -> None:
    giver, taker = await host(), await host()
    await giver.add(file_layer(tmp_path / "giver", SAMPLE, have=1))
    taken = await taker.add(file_layer(tmp_path / "taker", SAMPLE))
    taken.reserve(ALL)
    taker.connect("127.0.0.1", giver.port)
    await until(lambda: taken.available() == 1)
    looking = asyncio.ensure_future(taken.latest_available())
    await taker.close()
    assert await looking in (0, 1)


async def test_a_host_takes_from_several(host: Host, tmp_path: Path) -> None:
    evens, odds, taker = await host(), await host(), await host()
    await evens.add(file_layer(tmp_path / "evens", SAMPLE, have=0b1_0101_0101_0101_0101))
    await odds.add(file_layer(tmp_path / "odds", SAMPLE, have=0b0_1010_1010_1010_1010))
    await taker.add(file_layer(tmp_path / "taker", SAMPLE))
    taker.connect("127.0.0.1", evens.port)
    odds.connect("127.0.0.1", taker.port)
    await finished(taker, ALL)
    await until(lambda: taker.statistics().peers == 2)


async def test_an_injected_piece_goes_on_to_peers(host: Host, tmp_path: Path) -> None:
    drawer, taker = await host(), await host()
    shared = await drawer.add(file_layer(tmp_path / "drawer", SAMPLE))
    await taker.add(file_layer(tmp_path / "taker", SAMPLE))
    taker.connect("127.0.0.1", drawer.port)
    for piece in range(17):
        await shared.inject(piece, SAMPLE.piece(piece))
    await finished(taker, ALL)


async def test_layers_that_come_later_are_traded_with_hosts_connected_before(host: Host, tmp_path: Path) -> None:
    giver, taker = await host(), await host()
    taker.connect("127.0.0.1", giver.port)
    await giver.add(file_layer(tmp_path / "giver", SAMPLE, have=ALL))
    await taker.add(file_layer(tmp_path / "taker", SAMPLE))
    await finished(taker, ALL)


async def test_what_the_cache_has_is_believed_and_offered_without_a_look(host: Host, tmp_path: Path) -> None:
    giver, taker = await host(), await host()
    believed = span(2, 12)
    await giver.add(file_layer(tmp_path / "giver", SAMPLE, have=believed, corrupt=believed))
    shared = await taker.add(file_layer(tmp_path / "taker", SAMPLE))
    shared.reserve(ALL)
    taker.connect("127.0.0.1", giver.port)
    await until(lambda: shared.available() == believed)


async def test_a_whole_layer_sees_what_its_peers_have(host: Host, tmp_path: Path) -> None:
    giver, taker = await host(), await host()
    shared = await giver.add(file_layer(tmp_path / "giver", SAMPLE, have=ALL))
    claimed = await taker.add(file_layer(tmp_path / "taker", SAMPLE, have=0b101))
    claimed.reserve(ALL)
    taker.connect("127.0.0.1", giver.port)
    await until(lambda: shared.available() == 0b101)


async def test_claimed_pieces_are_not_asked_for_until_they_are_released(host: Host, tmp_path: Path) -> None:
    giver, taker = await host(), await host()
    await giver.add(file_layer(tmp_path / "giver", SAMPLE, have=ALL))
    shared = await taker.add(file_layer(tmp_path / "taker", SAMPLE))
    claimed = 0b11_0000_0011
    shared.reserve(claimed)
    taker.connect("127.0.0.1", giver.port)
    assert await finished(taker, ALL & ~claimed) == ALL & ~claimed
    shared.release(0b11)
    assert await finished(taker, 0b11) == 0b11
    shared.release(claimed)
    assert await finished(taker, 0b11_0000_0000) == 0b11_0000_0000


async def test_others_than_the_preferred_are_not_asked_for_until_they_may_be(host: Host, tmp_path: Path) -> None:
    giver, taker = await host(), await host()
    await giver.add(file_layer(tmp_path / "giver", SAMPLE, have=ALL))
    shared = await taker.add(file_layer(tmp_path / "taker", SAMPLE))
    shared.prefer(0b1110, others=False)
    taker.connect("127.0.0.1", giver.port)
    assert await finished(taker, 0b1110) == 0b1110
    shared.prefer(0b11_0000, others=False)
    assert await finished(taker, 0b11_0000) == 0b11_0000
    shared.prefer(0, others=True)
    assert await finished(taker, ALL & ~0b11_1110) == ALL & ~0b11_1110


async def test_what_is_claimed_is_not_asked_for_although_it_is_preferred(host: Host, tmp_path: Path) -> None:
    giver, taker = await host(), await host()
    await giver.add(file_layer(tmp_path / "giver", SAMPLE, have=ALL))
    shared = await taker.add(file_layer(tmp_path / "taker", SAMPLE))
    shared.reserve(0b10)
    shared.prefer(0b110, others=False)
    taker.connect("127.0.0.1", giver.port)
    assert await finished(taker, 0b100) == 0b100
    shared.prefer(0b1010, others=False)
    assert await finished(taker, 0b1000) == 0b1000
    shared.release(0b10)
    assert await finished(taker, 0b10) == 0b10


async def test_preferred_pieces_come_first(host: Host, tmp_path: Path) -> None:
    sample = sample_layer(32 * MIB, seed=3)
    giver, taker = await host(), await host()
    await giver.add(file_layer(tmp_path / "giver", sample, have=span(0, 128)))
    shared = await taker.add(file_layer(tmp_path / "taker", sample))
    soon = span(64, 96)
    shared.prefer(soon, others=True)
    taker.connect("127.0.0.1", giver.port)
    order: list[int] = []
    while len(order) < 128:
        for event in await taker.events():
            assert isinstance(event, PiecesPassed)
            order += each(event.pieces & soon)
            order += each(event.pieces & ~soon)
    assert sum(soon >> piece & 1 for piece in order[:40]) == 32


async def test_a_corrupt_piece_of_a_peer_is_found_and_comes_from_another(host: Host, tmp_path: Path) -> None:
    corrupt, sound, taker = await host(), await host(), await host()
    await corrupt.add(file_layer(tmp_path / "corrupt", SAMPLE, have=ALL, corrupt=0b1000))
    await sound.add(file_layer(tmp_path / "sound", SAMPLE, have=ALL))
    layer = file_layer(tmp_path / "taker", SAMPLE)
    shared = await taker.add(layer)
    shared.reserve(ALL & ~0b1000)
    taker.connect("127.0.0.1", corrupt.port)
    liar = f"127.0.0.1:{corrupt.port}"
    told: list[SwarmEvent] = []
    while len(told) < 2:
        told += await taker.events()
    assert set(told) == {
        PieceFailed(SAMPLE.index.layer, 3, injected=False, peers=(liar,)),
        PeerBanned(SAMPLE.index.layer, liar),
    }
    await until(lambda: taker.statistics().wasted >= len(SAMPLE.piece(3)))
    shared.release(ALL)
    taker.connect("127.0.0.1", sound.port)
    had = 0
    while had != ALL:
        for event in await taker.events():
            had |= event.pieces if isinstance(event, PiecesPassed) else 0
    await shared.flush()
    assert layer.path.read_bytes() == SAMPLE.data


async def test_a_good_piece_is_taken_although_a_peer_gives_it_corrupt(host: Host, tmp_path: Path) -> None:
    corrupt, taker = await host(), await host()
    await corrupt.add(file_layer(tmp_path / "corrupt", SAMPLE, have=0b1000, corrupt=0b1000))
    layer = file_layer(tmp_path / "taker", SAMPLE)
    shared = await taker.add(layer)
    shared.reserve(0b1000)
    taker.connect("127.0.0.1", corrupt.port)
    await until(lambda: shared.available() == 0b1000)
    shared.release(0b1000)
    await shared.inject(3, SAMPLE.piece(3))
    had = 0
    while not had:
        for event in await taker.events():
            if isinstance(event, PieceFailed):
                pytest.fail("what was injected is right")
            elif isinstance(event, PeersLied):
                assert event.peers == (f"127.0.0.1:{corrupt.port}",)
            elif isinstance(event, PeerBanned):
                assert event.peer == f"127.0.0.1:{corrupt.port}"
            else:
                assert isinstance(event, PiecesPassed)
                had |= event.pieces
    await shared.flush()
    assert layer.read(3) == SAMPLE.piece(3)


async def test_after_each_flush_all_that_was_told_is_in_the_file_wherever_it_came_from(
    host: Host, tmp_path: Path
) -> None:
    sample = sample_layer(128 * MIB, seed=2)
    injected = span(192, 256)
    giver, taker = await host(), await host()
    await giver.add(file_layer(tmp_path / "giver", sample, have=ALL_OF_LARGE & ~injected))
    layer = file_layer(tmp_path / "taker", sample)
    shared = await taker.add(layer)
    taker.connect("127.0.0.1", giver.port)
    async with asyncio.TaskGroup() as group:
        for piece in each(injected):
            group.create_task(shared.inject(piece, sample.piece(piece)))
        told = 0
        while told != ALL_OF_LARGE:
            events = await taker.events()
            await shared.flush()
            for event in events:
                assert isinstance(event, PiecesPassed)
                assert [piece for piece in each(event.pieces) if layer.read(piece) != sample.piece(piece)] == []
                told |= event.pieces


async def test_what_a_peer_is_being_asked_for_can_be_told(host: Host, tmp_path: Path) -> None:
    giver, taker = await host(), await host()
    await giver.add(file_layer(tmp_path / "giver", SAMPLE, have=ALL))
    giver.limit(up=50_000.0, down=None)
    taken = await taker.add(file_layer(tmp_path / "taker", SAMPLE))
    taken.reserve(ALL & ~0b11)
    assert taken.coming() == 0
    taker.connect("127.0.0.1", giver.port)
    await until(lambda: taken.coming() != 0)
    assert taken.coming() & ~0b11 == 0


@pytest.mark.parametrize("number", range(5))  # the link may come before libtorrent tells that the layer is there
async def test_what_hosts_hold_that_were_known_before_the_layer_came_is_seen(
    host: Host, tmp_path: Path, number: int
) -> None:
    giver, taker = await host(), await host()
    await giver.add(file_layer(tmp_path / "giver", SAMPLE, have=0b101))
    taker.connect("127.0.0.1", giver.port)
    taken = await taker.add(file_layer(tmp_path / f"taker{number}", SAMPLE))
    taken.reserve(ALL)
    await until(lambda: taken.available() == 0b101)
