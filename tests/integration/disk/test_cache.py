from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import pytest

from dcdist.disk import DirectoryCache
from dcdist.disk.layer_folder import LayerFolder
from dcdist.errors import CacheBusyError, DiskError, InvariantError
from dcdist.model.geometry import MIB
from dcdist.model.identity import LayerName
from dcdist.model.pieces import of, span
from tests.support.layers import SampleLayer, sample_layer
from tests.support.processes import python_child

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from dcdist.disk.layer_file import LayerFile

SAMPLE = sample_layer()
LAYER = "00000000000000000000000000000001"
ALL = 0b1_1111_1111
KIB_256 = 256 * 1024


@pytest.fixture
async def cache(tmp_path: Path) -> AsyncIterator[DirectoryCache]:
    async with DirectoryCache(tmp_path) as cache:
        yield cache


def put(layer: LayerFile, *pieces: int, sample: SampleLayer = SAMPLE) -> None:
    with layer.path.open("r+b") as file:
        for piece in pieces:
            file.seek(piece * sample.index.geometry.piece_length)
            file.write(sample.piece(piece))
    layer.add(of(pieces))


async def fill(cache: DirectoryCache, *pieces: int, clean: bool = True) -> Path:
    layer = await cache.open(SAMPLE.index)
    put(layer, *pieces)
    await layer.close(clean=clean)
    return layer.path


async def reopen(cache: DirectoryCache) -> tuple[int, list[int]]:
    """What the layer has now, and what was told of checking it; everything is checked the next time too."""
    told: list[int] = []
    layer = await cache.open(SAMPLE.index, checked=told.append)
    await layer.close(clean=False)
    return layer.have, told


async def test_a_new_layer_is_empty_sparse_and_of_full_length(cache: DirectoryCache, tmp_path: Path) -> None:
    layer = await cache.open(SAMPLE.index)
    assert (layer.have, layer.complete, layer.index) == (0, False, SAMPLE.index)
    assert layer.path == tmp_path / "layers" / LAYER / "data"
    assert layer.path.stat().st_size == 2 * MIB + 1000
    assert layer.path.stat().st_blocks == 0
    await layer.close(clean=True)


async def test_after_a_clean_close_the_pieces_are_had_without_a_check(cache: DirectoryCache) -> None:
    await fill(cache, 0, 3, 8)
    assert await reopen(cache) == (0b1_0000_1001, [])


async def test_after_an_unclean_close_the_good_pieces_are_found_by_a_check(cache: DirectoryCache) -> None:
    await fill(cache, 0, 3, 8, clean=False)
    assert await reopen(cache) == (0b1_0000_1001, [2 * MIB + 1000])


async def test_a_session_that_never_closed_is_unclean_even_after_a_clean_one(cache: DirectoryCache) -> None:
    data = await fill(cache, 0, 1)
    layer = await cache.open(SAMPLE.index)
    assert layer.have == 0b11
    assert not data.with_name("clean").exists()
    await layer.close(clean=False)
    assert await reopen(cache) == (0b11, [2 * MIB + 1000])


async def test_a_changed_byte_after_a_clean_close_is_found(cache: DirectoryCache) -> None:
    data = await fill(cache, *range(9))
    with data.open("r+b") as file:
        file.seek(4 * KIB_256 + 17)
        file.write(bytes([SAMPLE.data[4 * KIB_256 + 17] ^ 1]))
    assert await reopen(cache) == (ALL & ~(1 << 4), [2 * MIB + 1000])


async def test_a_new_time_of_change_alone_brings_a_check(cache: DirectoryCache) -> None:
    data = await fill(cache, 2)
    os.utime(data, ns=(0, data.stat().st_mtime_ns + 1))
    assert await reopen(cache) == (0b100, [2 * MIB + 1000])


async def test_a_truncated_file_loses_what_is_cut_off_and_gets_its_length_back(cache: DirectoryCache) -> None:
    data = await fill(cache, *range(9))
    os.truncate(data, 5 * KIB_256 + 10)
    assert await reopen(cache) == (0b1_1111, [2 * MIB + 1000])
    assert data.stat().st_size == 2 * MIB + 1000


async def test_a_file_that_is_too_long_is_cut(cache: DirectoryCache) -> None:
    data = await fill(cache, *range(9))
    with data.open("ab") as file:
        file.write(b"more")
    assert await reopen(cache) == (ALL, [2 * MIB + 1000])
    assert data.stat().st_size == 2 * MIB + 1000


async def test_a_missing_data_file_is_made_anew(cache: DirectoryCache) -> None:
    data = await fill(cache, *range(9))
    data.unlink()
    assert await reopen(cache) == (0, [2 * MIB + 1000])


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"\xff", b'{"size": 1}', b"5", b"null"])
async def test_a_damaged_clean_marker_is_not_believed(cache: DirectoryCache, content: bytes) -> None:
    data = await fill(cache, 1)
    data.with_name("clean").write_bytes(content)
    assert await reopen(cache) == (0b10, [2 * MIB + 1000])


@pytest.mark.parametrize("content", [b"", b"\x00\x00", b"\xff\x01", b"\xff" * 9])
async def test_a_damaged_resume_file_is_not_believed(cache: DirectoryCache, content: bytes) -> None:
    data = await fill(cache, 1)
    data.with_name("resume").write_bytes(content)
    assert await reopen(cache) == (0b10, [2 * MIB + 1000])


async def test_pieces_that_passed_under_another_index_prove_nothing(cache: DirectoryCache) -> None:
    await fill(cache, *range(9))
    other = sample_layer(seed=2).index
    forged = type(other)(
        SAMPLE.index.layer, other.geometry, other.piece_hashes, SAMPLE.index.frames, SAMPLE.index.chunks_digest
    )
    layer = await cache.open(forged)
    assert layer.have == 0
    await layer.close(clean=False)


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
    await writer.close(clean=False)
    assert (writer.have, writer.complete) == (ALL, True)
    assert await reopen(cache) == (ALL, [])


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


async def test_a_check_of_many_batches_finds_every_piece_and_tells_its_progress(cache: DirectoryCache) -> None:
    sample = sample_layer(80 * MIB)
    layer = await cache.open(sample.index)
    layer.path.write_bytes(sample.data)
    await layer.close(clean=False)
    told: list[int] = []
    layer = await cache.open(sample.index, checked=told.append)
    assert layer.have == span(0, 320)
    assert told == [16 * MIB, 32 * MIB, 48 * MIB, 64 * MIB, 80 * MIB]
    await layer.close(clean=False)


async def test_a_hole_is_missing_unless_the_piece_is_zeros(cache: DirectoryCache) -> None:
    sample = sample_layer(data=bytes(KIB_256) + b"\x01" * KIB_256 + bytes(100))
    layer = await cache.open(sample.index)
    assert layer.have == 0b101
    assert layer.path.stat().st_blocks == 0
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


async def test_an_index_object_is_kept_as_it_is(cache: DirectoryCache) -> None:
    name = LayerName(LAYER)
    assert await cache.read_index(name) is None
    await cache.save_index(name, b"first")
    await cache.save_index(name, b"\x00second")
    assert await cache.read_index(name) == b"\x00second"
    assert await cache.complete_layers() == []


@pytest.mark.parametrize("name", ["", "..", "../../etc", LAYER.upper() + "A", LAYER + "/", f"/{LAYER}"])
async def test_what_is_no_layer_name_reaches_no_file(cache: DirectoryCache, name: str) -> None:
    with pytest.raises(DiskError):
        await cache.save_index(LayerName(name), b"")
    with pytest.raises(DiskError):
        await cache.read_index(LayerName(name))


async def test_complete_layers_are_those_of_clean_closes_that_still_match(
    cache: DirectoryCache, tmp_path: Path
) -> None:
    assert await cache.complete_layers() == []
    for seed in (2, 3, 4, 5):
        sample = sample_layer(1000, seed=seed)
        layer = await cache.open(sample.index)
        if seed != 3:
            put(layer, 0, sample=sample)
        await layer.close(clean=seed != 4)
        if seed == 5:
            os.truncate(layer.path, 999)
    (tmp_path / "layers" / "stray").mkdir()
    assert await cache.complete_layers() == ["00000000000000000000000000000002"]


async def test_room_is_needed_only_for_what_is_not_there(cache: DirectoryCache, tmp_path: Path) -> None:
    await fill(cache, 0, 1, 2, 3)
    need = await cache.need({LayerName(LAYER): 2 * MIB, LayerName("f" * 32): 1000})
    assert need.needed == MIB + 1000
    assert need.path == str(tmp_path)
    assert need.file_system == os.stat(tmp_path).st_dev
    assert need.free > 0


async def test_a_file_in_place_of_the_folder_is_a_plain_error(tmp_path: Path) -> None:
    (tmp_path / "layers").write_text("in the way")
    async with DirectoryCache(tmp_path) as cache:
        with pytest.raises(DiskError, match="not a folder"):
            await cache.open(SAMPLE.index)


async def test_a_symbolic_link_in_place_of_the_data_is_refused(cache: DirectoryCache, tmp_path: Path) -> None:
    data = await fill(cache, 0, clean=False)
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    data.unlink()
    data.symlink_to(victim)
    with pytest.raises(DiskError, match="symbolic link"):
        await cache.open(SAMPLE.index)
    assert victim.read_bytes() == b"precious"


async def test_the_data_are_synced_before_the_journal_and_the_clean_marker_comes_last(
    cache: DirectoryCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer = await cache.open(SAMPLE.index)
    put(layer, 0)
    steps: list[str] = []
    fsync, rename = os.fsync, os.rename

    def noted_fsync(descriptor: int) -> None:
        name = os.path.basename(os.readlink(f"/proc/self/fd/{descriptor}"))
        steps.append("sync " + ("new file" if name.endswith(".dcdist-part") else name))
        fsync(descriptor)

    def noted_rename(source: str, target: str, *, src_dir_fd: int, dst_dir_fd: int) -> None:
        steps.append(f"name {target}")
        rename(source, target, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(os, "rename", noted_rename)
    await layer.close(clean=True)
    assert steps == [
        "sync data",
        "sync new file", "name resume", f"sync {LAYER}",
        "sync new file", "name clean", f"sync {LAYER}",
    ]  # fmt: skip
    steps.clear()
    layer = await cache.open(SAMPLE.index)
    assert steps == [f"sync {LAYER}"]
    await layer.close(clean=False)


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
