"""The records of finished images: `.dcdist-images`, one JSON object keyed by image name.

Invariant: a record counts only while its file has the recorded size, modification time and inode.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from threading import Lock
from typing import TYPE_CHECKING

from dcdist.disk.durable import open_folder, read_file, replace_file
from dcdist.model.geometry import MIB

if TYPE_CHECKING:
    import os
    from pathlib import Path

_FILE = ".dcdist-images"
_LIMIT = 16 * MIB


@dataclass(frozen=True, slots=True)
class ImageRecord:
    """An image as it was when its SHA-256 (hex) was computed; size in bytes."""

    size: int
    mtime_ns: int
    inode: int
    sha256: str

    @classmethod
    def of(cls, status: os.stat_result, digest: bytes) -> ImageRecord:
        """The record of a file of this status."""
        return cls(status.st_size, status.st_mtime_ns, status.st_ino, digest.hex())

    def describes(self, status: os.stat_result) -> bool:
        """Whether the file has not changed since."""
        return (self.size, self.mtime_ns, self.inode) == (status.st_size, status.st_mtime_ns, status.st_ino)


class ImageRecords:
    """The records of one folder. All calls block. If two processes lose a record, the image is read again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writing = Lock()

    def get(self, name: str) -> ImageRecord | None:
        """The record of an image; None if there is none."""
        return self._read().get(name)

    def put(self, name: str, record: ImageRecord) -> None:
        """Record an image."""
        with self._writing:
            records = self._read() | {name: record}
            content = {name: asdict(record) for name, record in sorted(records.items())}
            with open_folder(self._folder) as folder:
                replace_file(folder, _FILE, json.dumps(content, indent=1).encode())

    def _read(self) -> dict[str, ImageRecord]:
        with open_folder(self._folder) as folder:
            data = read_file(folder, _FILE, limit=_LIMIT)
        return read_records(data or b"{}")


def read_records(data: bytes) -> dict[str, ImageRecord]:
    """The records in a file, by image name; empty if it is damaged: then the images are read again."""
    try:
        records = {name: ImageRecord(**fields) for name, fields in json.loads(data).items()}
    except (ValueError, TypeError, AttributeError, RecursionError):
        return {}
    numbers = (number for each in records.values() for number in (each.size, each.mtime_ns, each.inode))
    typed = all(type(number) is int for number in numbers) and all(
        type(each.sha256) is str for each in records.values()
    )
    return records if typed else {}
