from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import TYPE_CHECKING

import pytest

from dcdist.disk.shared_descriptor import SharedDescriptor
from dcdist.errors import InvariantError

if TYPE_CHECKING:
    from pathlib import Path


def test_closing_waits_for_the_calls_in_flight_and_refuses_later_ones(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"content")
    file = SharedDescriptor(os.open(path, os.O_RDWR), path)
    begun, go_on = Event(), Event()

    def use_slowly() -> bytes:
        with file.use() as descriptor:
            begun.set()
            go_on.wait(30)
            return os.pread(descriptor, 7, 0)

    with ThreadPoolExecutor(2) as threads:
        reading = threads.submit(use_slowly)
        begun.wait(30)
        closing = threads.submit(file.close)
        while True:  # until the close has begun
            try:
                file.read(0, 1)
            except InvariantError:
                break
        assert not closing.done()
        go_on.set()
        assert reading.result(30) == b"content"
        closing.result(30)
    file.close()
    with pytest.raises(InvariantError):
        file.read(0, 1)
