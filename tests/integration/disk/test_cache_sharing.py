"""One writer at a time, any number of readers, and writers that are killed or cancelled."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import pytest

from dcdist.disk.layer_folder import LayerFolder
from dcdist.errors import CacheBusyError, InvariantError
from dcdist.model.geometry import MIB
from dcdist.model.pieces import of
from tests.support.cache_sessions import ALL, LAYER, SAMPLE, fill, put, reopen
from tests.support.layers import sample_layer
from tests.support.processes import python_child

if TYPE_CHECKING:
    from pathlib import Path

    from dcdist.disk import DirectoryCache
    from dcdist.disk.layer_file import LayerFile

KIB_256 = 256 * 1024


async def test_a_whole_layer_is_read_without_its_lock(cache: DirectoryCache, tmp_path: Path) -> None:
    await fill(cache, *range(9))
    (tmp_path / "layers" / LAYER / "lock").unlink()
    first = await cache.open(SAMPLE.index)
    second = await cache.open(SAMPLE.index)
    assert first.complete
    assert second.complete
    await first.close(clean=True)
    await second.close(clean=True)
    assert not (tmp_path / "layers" / LAYER / "lock").exists()
    assert await reopen(cache) == (ALL, [])


async def test_a_reader_that_closes_unclean_has_the_layer_checked(cache: DirectoryCache) -> None:
    await fill(cache, *range(9))
    assert await reopen(cache) == (ALL, [])
    assert await reopen(cache) == (ALL, [2 * MIB + 1000])


async def test_a_complete_writer_may_close_early_and_keep_its_properties(cache: DirectoryCache) -> None:
    writer = await cache.open(SAMPLE.index)
    put(writer, *range(9))
    await writer.close(clean=True)
    writer.add(0b1)
    await writer.close(clean=True)
    assert (writer.have, writer.complete) == (ALL, True)
    assert await reopen(cache) == (ALL, [])


async def test_damage_found_after_an_early_close_has_the_layer_checked(cache: DirectoryCache) -> None:
    writer = await cache.open(SAMPLE.index)
    put(writer, *range(9))
    await writer.close(clean=True)
    await writer.close(clean=False)
    assert await reopen(cache) == (ALL, [2 * MIB + 1000])


async def test_a_closed_or_foreign_piece_cannot_be_added(cache: DirectoryCache) -> None:
    layer = await cache.open(SAMPLE.index)
    with pytest.raises(InvariantError):
        layer.add(1 << 9)
    await layer.close(clean=True)
    with pytest.raises(InvariantError):
        layer.add(1)


async def test_one_process_cannot_write_a_layer_twice_at_once(cache: DirectoryCache) -> None:
    layer = await cache.open(SAMPLE.index)
    with pytest.raises(CacheBusyError, match=f"layer {LAYER} .* process {os.getpid()}"):
        await cache.open(SAMPLE.index)
    await layer.close(clean=True)
    await (await cache.open(SAMPLE.index)).close(clean=True)


HOLDER = """
import asyncio, os, sys
from pathlib import Path
from dcdist.disk import DirectoryCache
from tests.support.layers import sample_layer

async def hold():
    sample = sample_layer()
    async with DirectoryCache(Path(sys.argv[1])) as cache:
        layer = await cache.open(sample.index)
        assert layer.have == 1
        descriptor = os.open(layer.path, os.O_RDWR)
        os.pwrite(descriptor, sample.data[: 3 * 262144 + 131072], 0)
        layer.add(0b1_0111)  # one too many: it never reached the file
        print("ready", flush=True)
        sys.stdin.read()

asyncio.run(hold())
"""


async def test_a_killed_writer_gives_up_its_lock_and_only_whole_pieces_count(
    cache: DirectoryCache, tmp_path: Path
) -> None:
    await fill(cache, 0)
    with python_child(HOLDER, str(tmp_path)) as child:
        with pytest.raises(CacheBusyError, match=f"process {child.pid};") as caught:
            await cache.open(SAMPLE.index)
        assert caught.value.path == str(tmp_path / "layers" / LAYER / "lock")
        child.kill()
        child.wait()
        assert await reopen(cache) == (0b111, [2 * MIB + 1000])


INJECTOR = """
import asyncio, sys
from pathlib import Path
from dcdist.disk import DirectoryCache, Solitary
from tests.support.layers import sample_layer

async def inject():
    sample = sample_layer(32 * 1024 * 1024)
    async with DirectoryCache(Path(sys.argv[1])) as cache, Solitary() as swarm:
        layer = await cache.open(sample.index)
        into = await swarm.add(layer)
        for piece in range(sample.index.geometry.piece_count):
            await into.inject(piece, sample.piece(piece))
            if piece == 20:
                print("ready", flush=True)

asyncio.run(inject())
"""


async def test_killed_in_the_middle_of_writing_exactly_the_good_pieces_are_had(
    cache: DirectoryCache, tmp_path: Path
) -> None:
    sample = sample_layer(32 * MIB)
    with python_child(INJECTOR, str(tmp_path)) as child:
        child.kill()
        child.wait()
    layer = await cache.open(sample.index)
    found = layer.path.read_bytes()
    good = [piece for piece in range(128) if found[piece * KIB_256 : (piece + 1) * KIB_256] == sample.piece(piece)]
    assert len(good) > 10
    assert layer.have == of(good)
    await layer.close(clean=False)


async def test_a_cancelled_check_gives_up_the_lock_and_trusts_nothing(cache: DirectoryCache) -> None:
    sample = sample_layer(80 * MIB)
    layer = await cache.open(sample.index)
    layer.path.write_bytes(sample.data)
    await layer.close(clean=False)

    opening: asyncio.Task[LayerFile]

    def cancel(_: int) -> None:
        opening.cancel()

    opening = asyncio.ensure_future(cache.open(sample.index, checked=cancel))
    with pytest.raises(asyncio.CancelledError):
        await opening
    layer = await cache.open(sample.index)
    assert layer.complete
    await layer.close(clean=False)


@pytest.mark.parametrize("steps", range(12))
async def test_opening_can_be_cancelled_anywhere(cache: DirectoryCache, steps: int) -> None:
    opening = asyncio.ensure_future(cache.open(SAMPLE.index))
    for _ in range(steps):
        await asyncio.sleep(0)
    opening.cancel()
    try:
        await (await opening).close(clean=True)
    except asyncio.CancelledError:
        assert opening.cancelled()
    await (await cache.open(SAMPLE.index)).close(clean=True)


async def test_a_cancelled_close_still_syncs_and_unlocks(cache: DirectoryCache) -> None:
    layer = await cache.open(SAMPLE.index)
    put(layer, 5)
    closing = asyncio.ensure_future(layer.close(clean=True))
    await asyncio.sleep(0)
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing
    assert await reopen(cache) == (0b10_0000, [])


async def test_a_layer_that_was_finished_just_before_its_lock_came_free_is_read(
    cache: DirectoryCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = LayerFolder.lock

    def finish_then_lock(folder: LayerFolder) -> None:
        lock(folder)
        folder.data.write_bytes(SAMPLE.data)
        folder.trust(SAMPLE.index, ALL)

    monkeypatch.setattr(LayerFolder, "lock", finish_then_lock)
    layer = await cache.open(SAMPLE.index)
    monkeypatch.undo()
    assert layer.complete
    reader = await cache.open(SAMPLE.index)
    assert reader.complete
    await layer.close(clean=True)
    await reader.close(clean=True)
