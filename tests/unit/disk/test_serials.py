from __future__ import annotations

import json
import subprocess
import threading
from typing import TYPE_CHECKING

import pytest

from dcdist.disk.serials import SeenSerials, read_serials, write_serials
from dcdist.errors import DiskError
from dcdist.model.identity import LineId, ReleaseName
from dcdist.model.release import Release, SignedRelease
from dcdist.model.seen import SeenDemo, SeenLine

if TYPE_CHECKING:
    from pathlib import Path

STORE = "swift://demos"
KEY = "0123456789abcdef"
LINE = LineId("0a" * 16)


def signed(name: str, serial: int, line: LineId | None = LINE) -> SignedRelease:
    return SignedRelease(Release(ReleaseName.parse(name), serial, (), (), (), line), frozenset({KEY}))


def test_nothing_was_seen_in_a_cache_that_is_not_there(tmp_path: Path) -> None:
    assert SeenSerials(tmp_path / "cache").seen("web") == SeenDemo()
    assert not (tmp_path / "cache").exists()


def test_what_was_seen_of_each_demo_is_kept(tmp_path: Path) -> None:
    serials = SeenSerials(tmp_path / "cache")
    for name, serial in (("web@3", 3), ("db@1", 1), ("web@2", 2)):
        serials.note(STORE, signed(name, serial))
    again = SeenSerials(tmp_path / "cache")

    assert again.seen("web").entries == (SeenLine(STORE, KEY, LINE, 3, left=False, versions={"3": 3, "2": 2}),)
    assert again.seen("db").entries == (SeenLine(STORE, KEY, LINE, 1, left=False, versions={"1": 1}),)
    assert again.seen("other") == SeenDemo()


def test_the_file_has_the_documented_form(tmp_path: Path) -> None:
    SeenSerials(tmp_path).note(STORE, signed("web@3", 3))

    assert json.loads((tmp_path / "serials.json").read_text()) == {
        "format": 2,
        "demos": {
            "web": {
                "before": 0,
                "lines": [
                    {
                        "store": STORE, "key": KEY, "line": LINE, "serial": 3, "left": False, "versions": {"3": 3},
                    }
                ],
            }
        },
    }  # fmt: skip


def test_a_file_of_an_older_dcdist_guards_on_until_its_serial_is_reached(tmp_path: Path) -> None:
    (tmp_path / "serials.json").write_text('{"web": 7, "db": 2}')
    serials = SeenSerials(tmp_path)
    assert (serials.seen("web"), serials.seen("db")) == (SeenDemo(before=7), SeenDemo(before=2))
    serials.note(STORE, signed("web@1", 1))
    assert serials.seen("web").before == 7
    serials.note(STORE, signed("web@8", 8))
    assert (serials.seen("web").before, serials.seen("db").before) == (0, 2)


def test_notes_of_several_fetches_at_once_are_all_kept(tmp_path: Path) -> None:
    def note(number: int) -> None:
        SeenSerials(tmp_path).note(STORE, signed(f"demo{number}@1", number))

    threads = [threading.Thread(target=note, args=(each,)) for each in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [SeenSerials(tmp_path).seen(f"demo{each}").highest(LINE) for each in range(1, 9)] == list(range(1, 9))


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"web": "3"}', b'{"web": true}', b"\xff"])
def test_a_damaged_file_is_not_taken_for_an_empty_one(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "serials.json").write_bytes(content)
    with pytest.raises(DiskError, match=r"serials\.json is damaged"):
        SeenSerials(tmp_path).seen("web")
    with pytest.raises(DiskError, match=r"serials\.json is damaged"):
        SeenSerials(tmp_path).note(STORE, signed("web@3", 3))


def test_a_file_that_others_may_write_guards_again_after_the_command_in_the_message(tmp_path: Path) -> None:
    serials = SeenSerials(tmp_path)
    serials.note(STORE, signed("web@3", 3))
    before = serials.seen("web")
    (tmp_path / "serials.json").chmod(0o666)
    with pytest.raises(DiskError, match="all users may write to it") as refused:
        serials.seen("web")
    subprocess.run(["sh", "-c", str(refused.value).split("If you trust it: ")[1].split(";")[0]], check=True)
    assert serials.seen("web") == before


def test_a_cache_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("")
    with pytest.raises(DiskError, match=r"serials\.json"):
        SeenSerials(tmp_path / "cache").note(STORE, signed("web@3", 3))


def test_the_file_stays_within_its_bounds_and_keeps_the_demos_noted_last() -> None:
    large = SeenDemo(tuple(SeenLine("x" * 4000, KEY, LineId(f"{each:032x}"), 1) for each in range(128)))
    record = {f"demo{each}": large for each in range(40)}
    data = write_serials(record)
    again = read_serials(data)

    assert len(data) <= 8 << 20
    assert again is not None
    assert list(again) == list(record)[-len(again) :]
    assert 10 < len(again) < 40
