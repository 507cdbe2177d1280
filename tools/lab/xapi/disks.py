"""The disks of a VM that is imported: raw files, with holes where zeros were left out.

Invariant: no disk is longer than it was created, and no more bytes are promised than the storage has room for.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from tools.lab.xapi.failures import Failure

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tools.lab.xapi.archive import DiskBlock
    from tools.lab.xapi.description import StreamedDisk

_FULL = 'Unix.Unix_error(Unix.ENOSPC, "write", "")'


class DiskShelf:
    """All disks that were made and are not gone; of use to several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sizes: dict[Path, int] = {}

    def create(self, folder: Path, disks: Sequence[StreamedDisk], room: int | None) -> dict[str, Path]:
        """Empty disks in a new folder, by reference; `room` bytes are there for all disks of all VMs.

        Raises:
            Failure: There is not enough.
        """
        wanted = sum(disk.size for disk in disks)
        paths = {disk.reference: folder / f"{disk.reference.replace(':', '_')}.raw" for disk in disks}
        with self._lock:
            if room is not None and sum(self._sizes.values()) + wanted > room:
                raise Failure("SR_FULL", str(wanted), str(max(0, room - sum(self._sizes.values()))))
            self._sizes.update({paths[disk.reference]: disk.size for disk in disks})
        folder.mkdir(parents=True)
        for disk in disks:
            with paths[disk.reference].open("wb") as file:
                file.truncate(disk.size)
        return paths

    def write(self, path: Path, block: DiskBlock) -> None:
        """Put a block where it belongs.

        Raises:
            Failure: The disk ends before.
        """
        if block.offset + len(block.data) > self._sizes[path]:
            raise Failure.of_import(_FULL)
        if block.data.count(0) < len(block.data):
            with path.open("r+b") as file:
                file.seek(block.offset)
                file.write(block.data)

    def destroy(self, paths: Sequence[Path]) -> None:
        """Remove disks."""
        with self._lock:
            for path in paths:
                self._sizes.pop(path, None)
                path.unlink(missing_ok=True)
