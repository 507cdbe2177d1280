"""What happens on a file system without room, or one that may not be written."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from dcdist.disk import DirectoryCache, DirectoryDestination, Solitary
from dcdist.disk.metadata_files import write_metadata
from dcdist.errors import DiskError, DiskFullError
from dcdist.model.geometry import MIB
from dcdist.model.identity import LayerName
from dcdist.model.release import MetadataFile
from dcdist.model.space import require_space
from dcdist.node.key_files import generate_keys, read_private_key
from dcdist.ports.swarm import PiecesPassed, SwarmBroke
from tests.support.format_objects import release
from tests.support.layers import sample_layer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system needs root"),
]


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MiB."""
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m,mode=0755", "tmpfs", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"mounting is not allowed here: {mounted.stderr.strip()}")
    yield tmp_path
    # Lazily, so that a failed test that left a file open leaves no mount.
    subprocess.run(["umount", "-l", str(tmp_path)], check=True)


def make_read_only(small: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small)], check=True)


async def test_an_image_without_room_tells_what_is_needed_and_free(small: Path) -> None:
    async with DirectoryDestination(small, release(), report=print) as destination:
        image = await destination.create("vm.xva", 3 * MIB)
        with pytest.raises(DiskFullError, match="no room left") as caught:
            image.write(0, bytes(2 * MIB))
        assert caught.value.path == str(small / ".vm.xva.dcdist-part")
        assert caught.value.needed == 2 * MIB
        assert caught.value.free == 0
        await image.abandon()
        assert (await destination.need({})).free == MIB


def test_metadata_without_room_leaves_no_part_of_it(small: Path) -> None:
    with pytest.raises(DiskFullError):
        write_metadata(small, MetadataFile("large", bytes(2 * MIB)))
    assert os.listdir(small / "metadata") == []


async def test_a_layer_without_room_breaks_the_swarm_once(small: Path) -> None:
    sample = sample_layer(2 * MIB)
    async with DirectoryCache(small) as cache:
        layer = await cache.open(sample.index)
        finished = 0
        async with Solitary() as swarm:
            into = await swarm.add(layer)
            for piece in range(8):
                await into.inject(piece, sample.piece(piece))
            broke: list[SwarmBroke] = []
            while not broke:
                for event in await swarm.events():
                    if isinstance(event, SwarmBroke):
                        broke.append(event)
                    elif isinstance(event, PiecesPassed):
                        finished |= event.pieces
            await into.inject(0, sample.piece(0))
        assert len(broke) == 1
        assert isinstance(broke[0].error, DiskFullError)
        assert broke[0].error.path == str(layer.path)
        assert finished == 0b111
        await layer.close(clean=False)


async def test_cache_and_images_on_one_file_system_share_its_room(small: Path) -> None:
    images_folder = DirectoryDestination(small / "images", release(), report=print)
    async with DirectoryCache(small / "cache") as cache, images_folder as destination:
        layers = await cache.need({LayerName("0" * 32): 600 * 1024})
        images = await destination.need({"vm.xva": 500 * 1024})
        require_space([layers])
        require_space([images])
        with pytest.raises(DiskFullError, match="share one file system") as caught:
            require_space([layers, images])
        assert (caught.value.needed, caught.value.free) == (1100 * 1024, MIB)


async def test_a_read_only_file_system_gives_plain_errors_and_whole_layers(small: Path) -> None:
    sample = sample_layer(100_000)
    async with DirectoryCache(small) as cache, DirectoryDestination(small, release(), report=print) as destination:
        layer = await cache.open(sample.index)
        layer.path.write_bytes(sample.data)
        layer.add(1)
        await layer.close(clean=True)
        make_read_only(small)
        with pytest.raises(DiskError, match="read-only"):
            await destination.create("vm.xva", 10)
        with pytest.raises(DiskError, match="read-only"):
            await cache.open(sample_layer(seed=2).index)
        reader = await cache.open(sample.index)
        assert reader.complete
        await reader.close(clean=True)


@pytest.mark.parametrize("free", [0, 4096], ids=["for none", "for the first"])
def test_keys_without_room_leave_nothing_that_is_in_the_way_of_the_next_try(small: Path, free: int) -> None:
    keys = small / "keys"
    keys.mkdir()
    (small / "full").write_bytes(bytes(MIB - free))
    with pytest.raises(DiskFullError, match="no room left"):
        generate_keys(keys)
    assert os.listdir(keys) == []
    (small / "full").unlink()
    assert read_private_key(generate_keys(keys).key).public.identity
