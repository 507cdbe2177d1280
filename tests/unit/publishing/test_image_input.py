"""Files and pipes are opened, looked at and read without ever hanging."""

from __future__ import annotations

import asyncio
import io
import os
from contextlib import aclosing
from typing import TYPE_CHECKING

import pytest

from dcdist.errors import DiskError, UsageError
from dcdist.publishing.publish_request import ImageSource
from dcdist.publishing.reading.image_input import BATCH, ImageInput
from dcdist.publishing.reading.input_images import batches, open_images

if TYPE_CHECKING:
    from pathlib import Path


def test_a_batch_is_bounded_and_the_last_is_empty() -> None:
    image = ImageInput(ImageSource("a", stream=io.BytesIO(bytes(2 * BATCH + 5))))
    image.open()

    sizes = [sum(len(part.data) for part in batch) for batch in iter(image.batch, [])]

    assert sum(sizes) == 2 * BATCH + 5
    assert max(sizes) < BATCH + (1 << 20)
    assert (image.read, image.plain) == (2 * BATCH + 5, 2 * BATCH + 5)
    assert image.batch() == []


def test_a_file_tells_its_size_and_a_stream_does_not(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"12345")
    file, stream = ImageInput(ImageSource.of(tmp_path / "file")), ImageInput(ImageSource("s", stream=io.BytesIO()))
    file.open()
    stream.open()
    file.close()

    assert (file.name, file.size, stream.size) == ("file", 5, None)


def test_a_file_is_open_only_while_it_is_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bytes(BATCH + 5))
    before = set(os.listdir("/proc/self/fd"))
    image = ImageInput(ImageSource.of(tmp_path / "file"))
    image.open()
    assert set(os.listdir("/proc/self/fd")) == before

    assert sum(len(part.data) for batch in iter(image.batch, []) for part in batch) == BATCH + 5
    assert set(os.listdir("/proc/self/fd")) == before
    assert image.read == BATCH + 5


def test_a_folder_is_no_image(tmp_path: Path) -> None:
    with pytest.raises(DiskError, match="cannot be read: Is a directory"):
        ImageInput(ImageSource.of(tmp_path)).open()


def test_a_source_must_come_from_somewhere() -> None:
    with pytest.raises(UsageError, match="image 'a' has neither a path nor a stream"):
        ImageInput(ImageSource("a")).open()


async def test_a_silent_pipe_does_not_hold_up_a_cancellation_while_it_is_opened() -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as pipe, os.fdopen(writing, "wb"):

        async def look() -> None:
            async with open_images([ImageSource("a", stream=pipe)]):
                raise AssertionError

        task = asyncio.create_task(look())
        for _ in range(3):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, 10)


async def test_a_pipe_that_falls_silent_does_not_hold_up_a_cancellation_while_it_is_read() -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as pipe, os.fdopen(writing, "wb", buffering=0) as end:
        reader = asyncio.create_task(read_all(ImageSource("a", stream=pipe)))
        await asyncio.to_thread(end.write, bytes(300 << 10))
        for _ in range(3):
            await asyncio.sleep(0)
        reader.cancel()

        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(reader, 10)


async def read_all(source: ImageSource) -> None:
    async with open_images([source]) as images, aclosing(batches(images.inputs[0])) as parts:
        async for _ in parts:
            pass
