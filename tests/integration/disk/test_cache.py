"""What a layer has when it is opened again."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from dcdist.disk import DirectoryCache
from dcdist.errors import DiskError
from dcdist.model.geometry import MIB
from dcdist.model.identity import LayerName
from dcdist.model.pieces import span
from tests.support.cache_sessions import ALL, LAYER, SAMPLE, fill, put, reopen
from tests.support.layers import sample_layer

if TYPE_CHECKING:
    from pathlib import Path


KIB_256 = 256 * 1024


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


async def test_pieces_that_were_had_and_are_wrong_now_are_told(cache: DirectoryCache) -> None:
    data = await fill(cache, 0, 3, 4)
    with data.open("r+b") as file:
        file.seek(3 * KIB_256 + 17)
        file.write(bytes([SAMPLE.data[3 * KIB_256 + 17] ^ 1]))
        file.seek(6 * KIB_256)  # where nothing was had
        file.write(b"damage")
    layer = await cache.open(SAMPLE.index)
    assert (layer.have, layer.damaged) == (0b1_0001, 0b1000)
    await layer.close(clean=True)
    whole = await cache.open(SAMPLE.index)
    assert (whole.have, whole.damaged) == (0b1_0001, 0)
    await whole.close(clean=True)


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
    assert await reopen(cache) == (0, [])
    assert data.stat().st_size == 2 * MIB + 1000


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"\xff", b'{"size": 1}', b"5", b"null"])
async def test_a_damaged_clean_marker_is_not_trusted(cache: DirectoryCache, content: bytes) -> None:
    data = await fill(cache, 1)
    data.with_name("clean").write_bytes(content)
    assert await reopen(cache) == (0b10, [2 * MIB + 1000])


@pytest.mark.parametrize("content", [b"", b"\x00\x00", b"\xff\x01", b"\xff" * 9])
async def test_a_damaged_resume_file_is_not_trusted(cache: DirectoryCache, content: bytes) -> None:
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
    assert layer.have == 0
    await layer.close(clean=False)

    layer = await cache.open(sample.index)
    assert layer.have == 0b101
    assert layer.path.stat().st_blocks == 0
    await layer.close(clean=False)


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
