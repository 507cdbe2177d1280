"""`serials.json`: what a host has seen of each demo, whose and where; protection against a store that was set back.

Invariant: within an entry no serial falls, even with several fetches at once, and the file stays within its bounds.
"""

from __future__ import annotations

import json
import os
import shlex
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from dcdist.disk.durable import read_file, replace_file
from dcdist.disk.lock import try_lock
from dcdist.disk.own_file import stranger_at
from dcdist.disk.private_folder import make_private_folder, private_folder
from dcdist.disk.system_errors import refusals
from dcdist.errors import CacheBusyError, DiskError
from dcdist.model.geometry import MIB
from dcdist.model.identity import LineId, is_hex_128
from dcdist.model.seen import LINES_LIMIT, VERSIONS_LIMIT, SeenDemo, SeenLine

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from dcdist.model.release import SignedRelease

_NAME = "serials.json"
_LOCK = "serials.lock"
_LIMIT = 8 * MIB
"""The most bytes of the file."""

_DEMOS_LIMIT = 1000
"""The most demos; the one that was noted longest ago goes first."""

_FORMAT = 2

_Value = TypeVar("_Value")
_Record = dict[str, SeenDemo]
"""By demo; the one that was noted last is at the end."""

_PATIENCE = 5.0
"""Seconds until the lock must be free: who holds it writes one small file."""

_POLL = 0.02


class SeenSerials:
    """`serials.json` in a cache folder, which is created when needed. All methods block."""

    def __init__(self, cache: Path) -> None:
        self._folder = cache.absolute()

    def seen(self, demo: str) -> SeenDemo:
        """What was noted of `demo`.

        Raises:
            DiskError: The file cannot be read, or is damaged.
        """
        with refusals(self._folder / _NAME, "read"):
            try:
                with private_folder(self._folder) as folder:
                    return self._read(folder).get(demo, SeenDemo())
            except FileNotFoundError:
                return SeenDemo()

    def note(self, store: str, seen: SignedRelease, *, left: Collection[LineId] = (), chosen: bool = False) -> str:
        """Record that this host has seen a release at `store`, and gives up the lines `left`.

        `chosen`: the user named its line; see `SeenDemo.noted`.

        Returns what to tell people of the folder, as `make_private_folder`; else nothing.

        Raises:
            DiskError: The file cannot be written, or is damaged.
        """
        demo = seen.release.name.demo
        with refusals(self._folder / _NAME, "write"):
            told = make_private_folder(self._folder)
            with private_folder(self._folder) as folder, self._locked():
                record = self._read(folder)
                before = record.pop(demo, SeenDemo())
                record[demo] = after = before.noted(store, seen, left=left, chosen=chosen)
                if after != before:
                    replace_file(folder, _NAME, write_serials(record))
        return told

    @contextmanager
    def _locked(self) -> Iterator[None]:
        path = self._folder / _LOCK
        deadline = time.monotonic() + _PATIENCE
        while not isinstance(found := try_lock(path, str(os.getpid())), int):
            if time.monotonic() < deadline:
                time.sleep(_POLL)
            elif found is None or found.private:
                raise CacheBusyError(
                    f"{path} is held by another process for {_PATIENCE:.0f} s; end that process", path=str(path)
                )
            else:
                path.unlink(missing_ok=True)  # another user may hold it, who could open it before it was private
        try:
            yield
        finally:
            os.close(found)

    def _read(self, folder: int) -> _Record:
        if others := stranger_at(folder, _NAME):
            path = str(self._folder / _NAME)
            raise DiskError(
                f"{path} may be another user's: {others}. It records which releases this host has seen, as a guard "
                "against older ones, which is off until that ends. If you trust it: "
                f"chown -h {os.geteuid()} {shlex.quote(path)} && chmod 600 {shlex.quote(path)}; else delete it",
                path=path,
            )
        data = read_file(folder, _NAME, limit=_LIMIT + 1)
        if data is None:
            return {}
        record = read_serials(data)
        if record is None:
            # Not the same as empty: a guard that vanishes silently guards nothing.
            path = str(self._folder / _NAME)
            raise DiskError(
                f"{path} is damaged, or was written by a newer dcdist: it records which releases this host has seen, "
                "as a guard against older ones. Delete it to go on without that guard this once",
                path=path,
            )
        return record


def write_serials(record: _Record) -> bytes:
    """The file of a record: as many demos as there is room for, those noted last."""
    demos = {demo: _written(seen) for demo, seen in _last(record)}
    while len(data := json.dumps({"format": _FORMAT, "demos": demos}, indent=1).encode()) > _LIMIT:
        demos.pop(next(iter(demos)))
    return data


def read_serials(data: bytes) -> _Record | None:
    """What a file records, by demo; None if it is damaged. A file of an older dcdist has one serial for each demo."""
    try:
        found = json.loads(data) if len(data) <= _LIMIT else None
        if not isinstance(found, dict):
            return None
        if not isinstance(found.get("demos"), dict):
            return {demo: SeenDemo(before=_serial(serial)) for demo, serial in _last(found)}
        if found["format"] != _FORMAT:
            return None
        return {demo: _demo(fields) for demo, fields in _last(found["demos"])}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _last(record: dict[str, _Value]) -> list[tuple[str, _Value]]:
    return list(record.items())[-_DEMOS_LIMIT:]


def _written(seen: SeenDemo) -> dict[str, object]:
    lines = [
        {
            "store": each.store,
            "key": each.signer,
            "line": each.line,
            "serial": each.serial,
            "left": each.left,
            "versions": dict(each.versions),
        }
        for each in seen.entries
    ]
    return {"before": seen.before, "lines": lines}


def _demo(fields: dict[str, object]) -> SeenDemo:
    lines = fields["lines"]
    if not isinstance(lines, list):
        raise TypeError
    return SeenDemo(tuple(_line(each) for each in lines[-LINES_LIMIT:]), _serial(fields["before"]))


def _line(fields: dict[str, object]) -> SeenLine:
    store, signer, line, left, versions = (fields[name] for name in ("store", "key", "line", "left", "versions"))
    if not isinstance(store, str) or not isinstance(signer, str) or not isinstance(left, bool):
        raise TypeError
    if not isinstance(versions, dict) or not (line is None or (isinstance(line, str) and is_hex_128(line))):
        raise TypeError
    seen = {version: _serial(serial) for version, serial in list(versions.items())[-VERSIONS_LIMIT:]}
    return SeenLine(store, signer, None if line is None else LineId(line), _serial(fields["serial"]), left, seen)


def _serial(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << 63:
        raise TypeError
    return value
