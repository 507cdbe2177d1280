"""What a host notes for itself, after its disk bent it: a note of the right form, or none."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from dcdist.disk.destination_record import encode_record, read_record
from dcdist.disk.piece_journal import Clean, read_clean
from dcdist.disk.serials import read_serials, write_serials
from tests.fuzz.recipes import Recipe, recipes
from tests.fuzz.target import REFUSALS, Target, require

if TYPE_CHECKING:
    from tests.support.format_objects import Plain

_FILE: Plain = {
    "releases": ["db@3", "web@2"], "size": 5, "sha256": "0a" * 32, "mode": "0644", "mtime_ns": 7, "ctime_ns": -8,
    "inode": 9,
}  # fmt: skip
_RELEASE: Plain = {"version": "2", "state": "complete", "images": ["web.xva"]}
_DESTINATION: Plain = {
    "format": 1,
    "releases": {"web": _RELEASE, "db": {"version": "3", "state": "incomplete", "images": []}},
    "files": {"web.xva": _FILE, "metadata/net/plan.json": _FILE},
}
_CLEAN: Plain = {"size": 5, "mtime_ns": 7, "complete": True, "have": "00", "hashes": "01"}
_LINE: Plain = {
    "store": "swift://demos", "key": "0123456789abcdef", "line": "0a" * 16, "serial": 7, "left": False,
    "versions": {"1": 3, "2": 7},
}  # fmt: skip
_SERIALS: Plain = {"format": 2, "demos": {"web": {"before": 3, "lines": [_LINE]}}}
_NOTES: tuple[Plain, ...] = ({"web": 3, "db": 1 << 60}, _DESTINATION, _CLEAN, _SERIALS)


def run(data: bytes) -> None:
    """The first byte: which note, and whether the rest is JSON or changes to that note."""
    first, rest = data[0] if data else 0, data[1:]
    if first & 1:
        changed = Recipe(rest).edited(_NOTES[first // 2 % 4])
        rest = json.dumps(changed, default=lambda each: each.decode("latin-1")).encode()
    serials = read_serials(rest)
    require(serials is None or read_serials(write_serials(serials)) == serials, "what can be read can be written")
    _read_destination(rest)
    clean = read_clean(rest)
    if clean is not None:
        require(isinstance(clean, Clean) and type(clean.complete) is bool and type(clean.size) is int, "so are these")


def _read_destination(data: bytes) -> None:
    try:
        record = read_record(data)
    except REFUSALS as error:
        require(len(str(error)) < 2000, "a message is short")
        return
    for path in record.files:
        parts = path.split("/")
        inside = len(parts) == 1 or parts[0] == "metadata"
        require(inside and not any(part.startswith(".") or not part for part in parts), "a path leads nowhere else")
    require(read_record(encode_record(record)) == record, "what can be read can be written")


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


TARGET = Target("records", run, [read_serials, read_record, read_clean], seeds, max_length=4000)
