from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from dcdist.disk import DirectoryDestination
from dcdist.disk.lock import lock_now
from dcdist.errors import CacheBusyError, DiskError, InvariantError
from dcdist.model.geometry import MIB
from tests.support import format_objects

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

CONTENT = b"an image" * 1000


@pytest.fixture
async def destination(tmp_path: Path) -> AsyncIterator[DirectoryDestination]:
    async with DirectoryDestination(tmp_path / "images", format_objects.release(), report=_ignore) as destination:
        yield destination


def _ignore(_: object) -> None:
    """What is told is tried elsewhere."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "images"


async def build(destination: DirectoryDestination, name: str = "vm.xva", content: bytes = CONTENT) -> None:
    image = await destination.create(name, len(content))
    image.write(0, content)
    await image.finish()


async def test_an_image_appears_under_its_name_only_when_finished(
    destination: DirectoryDestination, folder: Path
) -> None:
    image = await destination.create("vm.xva", 10)
    image.write(5, b"world")
    image.write(0, memoryview(b"hello"))
    assert image.read(3, 4) == b"lowo"
    assert os.listdir(folder) == [".vm.xva.dcdist-part"]
    await image.finish()
    assert os.listdir(folder) == ["vm.xva"]
    assert (folder / "vm.xva").read_bytes() == b"helloworld"
    assert (folder / "vm.xva").stat().st_mode & 0o400


async def test_what_is_not_written_takes_no_room(destination: DirectoryDestination, folder: Path) -> None:
    image = await destination.create("vm.xva", 1024 * MIB)
    image.write(512 * MIB, b"x")
    await image.finish()
    status = (folder / "vm.xva").stat()
    assert status.st_size == 1024 * MIB
    assert status.st_blocks * 512 <= 64 * 1024


async def test_an_empty_image_is_an_empty_file(destination: DirectoryDestination, folder: Path) -> None:
    await build(destination, content=b"")
    assert (folder / "vm.xva").read_bytes() == b""


async def test_many_threads_write_one_image(destination: DirectoryDestination, folder: Path) -> None:
    image = await destination.create("vm.xva", 64 * MIB)
    parts = [bytes([number]) * MIB for number in range(64)]
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda number: image.write(number * MIB, parts[number]), range(63, -1, -1)))
    await image.finish()
    assert (folder / "vm.xva").read_bytes() == b"".join(parts)


@pytest.mark.parametrize(("offset", "length"), [(-1, 1), (0, 11), (10, 1), (8, 3)])
async def test_nothing_is_written_or_read_outside_of_the_image(
    destination: DirectoryDestination, offset: int, length: int
) -> None:
    image = await destination.create("vm.xva", 10)
    with pytest.raises(InvariantError):
        image.write(offset, bytes(length))
    with pytest.raises(InvariantError):
        image.read(offset, length)
    await image.abandon()


async def test_an_abandoned_image_leaves_nothing(destination: DirectoryDestination, folder: Path) -> None:
    image = await destination.create("vm.xva", 10)
    await image.abandon()
    await image.abandon()
    assert os.listdir(folder) == []
    with pytest.raises(InvariantError):
        image.write(0, b"x")


async def test_abandoning_a_finished_image_keeps_it(destination: DirectoryDestination, folder: Path) -> None:
    image = await destination.create("vm.xva", 1)
    await image.finish()
    await image.abandon()
    with pytest.raises(InvariantError):
        image.read(0, 1)
    assert os.listdir(folder) == ["vm.xva"]


async def test_what_an_unfinished_build_left_is_replaced(destination: DirectoryDestination, folder: Path) -> None:
    os.mkdir(folder)
    (folder / ".vm.xva.dcdist-part").write_bytes(b"left over" * 100)
    image = await destination.create("vm.xva", 4)
    assert image.read(0, 4) == bytes(4)
    await image.finish()
    assert (folder / "vm.xva").read_bytes() == bytes(4)


async def test_an_older_version_stays_until_the_new_one_is_finished(
    destination: DirectoryDestination, folder: Path
) -> None:
    await build(destination, content=b"old")
    image = await destination.create("vm.xva", 3)
    image.write(0, b"new")
    assert (folder / "vm.xva").read_bytes() == b"old"
    await image.finish()
    assert (folder / "vm.xva").read_bytes() == b"new"


async def test_two_builders_of_one_image_do_not_meet(destination: DirectoryDestination, folder: Path) -> None:
    first = await destination.create("vm.xva", 5)
    async with DirectoryDestination(folder, format_objects.release(), report=_ignore) as other:
        with pytest.raises(CacheBusyError, match=r"vm\.xva"):
            await other.create("vm.xva", 5)
    first.write(0, b"first")
    await first.finish()
    assert (folder / "vm.xva").read_bytes() == b"first"


async def test_an_image_whose_part_was_replaced_is_not_finished(
    destination: DirectoryDestination, folder: Path
) -> None:
    image = await destination.create("vm.xva", 5)
    (folder / ".vm.xva.dcdist-part").unlink()
    (folder / ".vm.xva.dcdist-part").write_bytes(b"other")
    with pytest.raises(DiskError, match="replaced"):
        await image.finish()
    await image.abandon()
    assert os.listdir(folder) == [".vm.xva.dcdist-part"]


async def test_an_image_that_was_cut_short_is_noticed_when_read(
    destination: DirectoryDestination, folder: Path
) -> None:
    image = await destination.create("vm.xva", 5)
    os.truncate(folder / ".vm.xva.dcdist-part", 3)
    with pytest.raises(DiskError, match="truncated"):
        image.read(0, 5)
    await image.abandon()


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", "/etc/x", ".hidden", "a\0b", "metadata"])
async def test_unusable_image_names_are_refused(destination: DirectoryDestination, name: str) -> None:
    with pytest.raises(DiskError, match="is invalid"):
        await destination.create(name, 1)
    with pytest.raises(DiskError, match="is invalid"):
        await destination.look(format_objects.image(name))


async def test_a_name_too_long_is_a_plain_error(destination: DirectoryDestination) -> None:
    with pytest.raises(DiskError, match="too long"):
        await destination.create("x" * 250, 1)


async def test_a_link_in_place_of_the_part_is_not_followed(destination: DirectoryDestination, folder: Path) -> None:
    os.mkdir(folder)
    victim = folder.parent / "victim"
    victim.write_bytes(b"precious")
    (folder / ".vm.xva.dcdist-part").symlink_to(victim)
    await build(destination, "vm.xva", b"new")
    (folder / "other.xva").symlink_to(victim)
    await build(destination, "other.xva", b"own")
    assert victim.read_bytes() == b"precious"
    assert not (folder / "other.xva").is_symlink()


async def test_a_file_in_place_of_the_folder_is_a_plain_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    async with DirectoryDestination(tmp_path / "file", format_objects.release(), report=_ignore) as destination:
        with pytest.raises(DiskError):
            await destination.create("vm.xva", 1)
        with pytest.raises(DiskError, match="not a folder"):
            await destination.acquire(waiting=_ignore)


@pytest.mark.parametrize("steps", range(8))
async def test_creating_can_be_cancelled_anywhere(destination: DirectoryDestination, folder: Path, steps: int) -> None:
    creating = asyncio.ensure_future(destination.create("vm.xva", 1))
    for _ in range(steps):
        await asyncio.sleep(0)
    creating.cancel()
    try:
        await (await creating).abandon()
    except asyncio.CancelledError:
        assert creating.cancelled()
    assert "images" not in os.listdir(folder.parent) or os.listdir(folder) == []


async def test_room_is_needed_less_what_an_unfinished_image_holds(
    destination: DirectoryDestination, folder: Path
) -> None:
    image = await destination.create("vm.xva", 4 * MIB)
    image.write(0, os.urandom(MIB))
    os.sync()
    need = await destination.need({"vm.xva": 4 * MIB, "other.xva": 1000})
    assert need.needed == 3 * MIB + 1000
    assert need.path == str(folder)
    assert need.free > 0
    await image.abandon()


async def test_room_can_be_asked_for_before_the_folder_exists(
    destination: DirectoryDestination, tmp_path: Path
) -> None:
    need = await destination.need({"vm.xva": 5})
    assert (need.needed, need.file_system) == (5, os.stat(tmp_path).st_dev)
    assert need.free > 0
    assert os.listdir(tmp_path) == []


async def test_a_part_that_was_finished_just_before_it_was_locked_is_left_alone(
    destination: DirectoryDestination, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def finish_then_lock(descriptor: int) -> bool:
        monkeypatch.undo()
        part = folder / ".vm.xva.dcdist-part"
        part.write_bytes(b"finished")
        part.rename(folder / "vm.xva")
        return lock_now(descriptor)

    monkeypatch.setattr("dcdist.disk.image_file.lock_now", finish_then_lock)
    image = await destination.create("vm.xva", 5)
    assert (folder / "vm.xva").read_bytes() == b"finished"
    assert (folder / ".vm.xva.dcdist-part").stat().st_size == 5
    await image.abandon()


async def test_a_part_that_vanishes_each_time_is_not_tried_for_ever(
    destination: DirectoryDestination, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dcdist.disk.image_file.is_at", lambda *_: False)
    with pytest.raises(DiskError, match=r"vanishes at once, 10 times in a row; .* or choose another folder"):
        await destination.create("vm.xva", 5)
