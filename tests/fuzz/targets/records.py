"""What a host notes for itself, after its disk bent it: a note of the right form, or none."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from dcdist.disk.image_records import ImageRecord, read_records
from dcdist.disk.piece_journal import Clean, read_clean
from dcdist.disk.serials import read_serials
from tests.fuzz.recipes import Recipe, recipes
from tests.fuzz.target import Target, require

if TYPE_CHECKING:
    from tests.support.format_objects import Plain

_RECORD: Plain = {"size": 5, "mtime_ns": 7, "inode": 9, "sha256": "00"}
_CLEAN: Plain = {"size": 5, "mtime_ns": 7, "complete": True, "have": "00", "hashes": "01"}
_NOTES: tuple[Plain, ...] = ({"web": 3, "db": 1 << 60}, {"web.xva": _RECORD, "db.xva": _RECORD}, _CLEAN)


def run(data: bytes) -> None:
    """The first byte: which note, and whether the rest is JSON or changes to that note."""
    first, rest = data[0] if data else 0, data[1:]
    if first & 1:
        changed = Recipe(rest).edited(_NOTES[first // 2 % 3])
        rest = json.dumps(changed, default=lambda each: each.decode("latin-1")).encode()
    serials = read_serials(rest)
    require(serials is None or all(type(each) is int for each in serials.values()), "a serial is a number")
    for record in read_records(rest).values():
        numbers = (record.size, record.mtime_ns, record.inode)
        require(isinstance(record, ImageRecord) and all(type(each) is int for each in numbers), "numbers are numbers")
    clean = read_clean(rest)
    if clean is not None:
        require(isinstance(clean, Clean) and type(clean.complete) is bool and type(clean.size) is int, "so are these")


def seeds() -> list[bytes]:
    """Notes, valid and not, and changes of each sort."""
    raw = [
        *(json.dumps(each).encode() for each in _NOTES),
        b"",
        b"[]",
        b"{}",
        b"[" * 3000,
        b'{"a":1e400}',
        b'{"a":NaN}',
        b"\xff",
    ]
    edits = [bytes([1 + 2 * number]) + recipe for number, note in enumerate(_NOTES) for recipe in recipes(note)]
    return [*(b"\0" + each for each in raw), *edits]


TARGET = Target("records", run, [read_serials, read_records, read_clean], seeds, max_length=4000)
