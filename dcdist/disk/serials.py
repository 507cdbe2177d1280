"""The highest serial of each demo that this host has fetched: protection against a store that was set back.

Invariant: a serial never falls, even with several fetches at once.
"""

from __future__ import annotations

import json
import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from dcdist.disk.durable import read_file, replace_file
from dcdist.disk.lock import try_lock
from dcdist.disk.own_file import stranger_at
from dcdist.disk.private_folder import make_private_folder, private_folder
from dcdist.disk.system_errors import refusals
from dcdist.errors import CacheBusyError, DiskError
from dcdist.model.geometry import MIB

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_NAME = "serials.json"
_LOCK = "serials.lock"
_LIMIT = MIB

_PATIENCE = 5.0
"""Seconds until the lock must be free: who holds it writes one small file."""

_POLL = 0.02


class SeenSerials:
    """`serials.json` in a cache folder, which is created when needed. All methods block."""

    def __init__(self, cache: Path) -> None:
        self._folder = cache.absolute()

    def highest(self, demo: str) -> int:
        """The highest serial recorded for `demo`; 0 if there is none.

        Raises:
            DiskError: The file cannot be read, or is damaged.
        """
        with refusals(self._folder / _NAME, "read"):
            try:
                with private_folder(self._folder) as folder:
                    return self._read(folder).get(demo, 0)
            except FileNotFoundError:
                return 0

    def note(self, demo: str, serial: int) -> None:
        """Record that this host has `serial` of `demo`.

        Raises:
            DiskError: The file cannot be written, or is damaged.
        """
        with refusals(self._folder / _NAME, "write"):
            make_private_folder(self._folder)
            with private_folder(self._folder) as folder, self._locked():
                serials = self._read(folder)
                if serials.get(demo, 0) < serial:
                    serials[demo] = serial
                    replace_file(folder, _NAME, json.dumps(serials, indent=1, sort_keys=True).encode())

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

    def _read(self, folder: int) -> dict[str, int]:
        if others := stranger_at(folder, _NAME):
            path = str(self._folder / _NAME)
            raise DiskError(
                f"{path} may be another user's: {others}. It records which releases this host has seen, as a guard "
                "against older ones. Delete it to go on without that guard this once",
                path=path,
            )
        data = read_file(folder, _NAME, limit=_LIMIT)
        if data is None:
            return {}
        serials = read_serials(data)
        if serials is None:
            # Not the same as empty: a guard that vanishes silently guards nothing.
            path = str(self._folder / _NAME)
            raise DiskError(
                f"{path} is damaged: it records which releases this host has seen, as a guard against older ones. "
                "Delete it to go on without that guard this once",
                path=path,
            )
        return serials


def read_serials(data: bytes) -> dict[str, int] | None:
    """The serials in a file, by demo; None if it is damaged."""
    try:
        serials = json.loads(data)
    except (ValueError, RecursionError):
        return None
    if not isinstance(serials, dict) or not all(type(serial) is int for serial in serials.values()):
        return None
    return serials
