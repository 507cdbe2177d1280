"""Files that threads are still at work in when nobody wants them any more: nobody waits, and nothing stays."""

from __future__ import annotations

import asyncio
import os
import threading
from pathlib import Path

import pytest

from dcdist.store.directory.directory_files import ObjectFile
from dcdist.store.directory.directory_store import DirectoryStore


def open_descriptors(path: Path) -> int:
    folder = Path("/proc/self/fd")
    return sum(os.path.realpath(each) == str(path) for each in folder.iterdir())


def test_a_read_under_way_ends_and_then_closes_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "object"
    path.write_bytes(b"content")
    file = ObjectFile(tmp_path, "object")
    file.open()
    reading, closed = threading.Event(), threading.Event()
    pread = os.pread

    def slow(descriptor: int, length: int, offset: int) -> bytes:
        reading.set()
        closed.wait()
        return pread(descriptor, length, offset)

    monkeypatch.setattr(os, "pread", slow)
    read: list[bytes] = []
    thread = threading.Thread(target=lambda: read.append(file.read(0, 7)))
    thread.start()
    reading.wait()
    file.close()
    assert open_descriptors(path) == 1
    closed.set()
    thread.join()

    assert read == [b"content"]
    assert open_descriptors(path) == 0


def test_a_file_that_was_closed_is_not_opened_any_more(tmp_path: Path) -> None:
    path = tmp_path / "object"
    path.write_bytes(b"content")
    file = ObjectFile(tmp_path, "object")
    file.close()
    file.open()

    assert open_descriptors(path) == 0


async def test_a_put_that_was_cancelled_leaves_nothing_however_late_the_disk_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writing, on = threading.Event(), threading.Event()
    sync = os.fsync

    def slow(descriptor: int) -> None:
        writing.set()
        on.wait()
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", slow)
    store = DirectoryStore(tmp_path)
    task = asyncio.create_task(store.put("swarm/a", b"content"))
    await asyncio.to_thread(writing.wait)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    on.set()
    await store.close()
    assert list((tmp_path / "swarm").iterdir()) == []
