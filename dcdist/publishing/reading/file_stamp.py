"""What the system says of a file at one moment: between two equal stamps nobody wrote to it, nor put another there."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os


@dataclass(frozen=True, slots=True)
class FileStamp:
    """A file's identity, its bytes, and when it was written to and changed, in nanoseconds."""

    device: int
    inode: int
    size: int
    modified: int
    changed: int

    @classmethod
    def of(cls, status: os.stat_result) -> FileStamp | None:
        """The stamp of a file; None for a pipe or a device, whose times say nothing about the bytes to be read."""
        if not stat.S_ISREG(status.st_mode):
            return None
        return cls(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)

    def change(self, now: FileStamp | None) -> str:
        """What happened to it by `now` (None: it is gone), as the end of a sentence about it; empty if nothing did."""
        if now is None:
            return "it was removed"
        if (self.device, self.inode) != (now.device, now.inode):
            return "another file took its place"
        if self.size != now.size:
            return f"it had {self.size} bytes and has {now.size}"
        if self.modified != now.modified:
            return "it was written to"
        return "" if self.changed == now.changed else "its time of change moved"
