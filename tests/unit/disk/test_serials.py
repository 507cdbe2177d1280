from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from dcdist.disk.serials import SeenSerials
from dcdist.errors import DiskError

if TYPE_CHECKING:
    from pathlib import Path


def test_nothing_was_seen_in_a_cache_that_is_not_there(tmp_path: Path) -> None:
    assert SeenSerials(tmp_path / "cache").highest("web") == 0
    assert not (tmp_path / "cache").exists()


def test_the_highest_serial_of_each_demo_is_kept(tmp_path: Path) -> None:
    serials = SeenSerials(tmp_path / "cache")
    for demo, serial in (("web", 3), ("db", 1), ("web", 2)):
        serials.note(demo, serial)
    again = SeenSerials(tmp_path / "cache")
    assert (again.highest("web"), again.highest("db"), again.highest("other")) == (3, 1, 0)


def test_notes_of_several_fetches_at_once_are_all_kept(tmp_path: Path) -> None:
    threads = [threading.Thread(target=SeenSerials(tmp_path).note, args=(f"demo{each}", each)) for each in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [SeenSerials(tmp_path).highest(f"demo{each}") for each in range(1, 9)] == list(range(1, 9))


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"web": "3"}', b'{"web": true}', b"\xff"])
def test_a_damaged_file_is_not_taken_for_an_empty_one(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "serials.json").write_bytes(content)
    with pytest.raises(DiskError, match=r"serials\.json is damaged"):
        SeenSerials(tmp_path).highest("web")
    with pytest.raises(DiskError, match=r"serials\.json is damaged"):
        SeenSerials(tmp_path).note("web", 3)


def test_a_cache_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("")
    with pytest.raises(DiskError, match=r"serials\.json"):
        SeenSerials(tmp_path / "cache").note("web", 3)
