"""A file that is closed while a thread is at work in it: the thread closes it, and nobody waits."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from dcdist.store.directory.directory_files import ObjectFile

if TYPE_CHECKING:
    import pytest


def open_descriptors(path: Path) -> int:
    folder = Path("/proc/self/fd")
    return sum(os.path.realpath(each) == str(path) for each in folder.iterdir())


def test_a_read_under_way_ends_and_then_closes_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "object"
    path.write_bytes(b"content")
    file = ObjectFile(path)
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
    file = ObjectFile(path)
    file.close()
    file.open()

    assert open_descriptors(path) == 0
