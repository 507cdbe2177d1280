"""Space on this host's disks: needed against free, also if two folders share one file system."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dcdist.errors import DiskFullError
from dcdist.model.quantities import show_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class SpaceNeeded:
    """`needed` bytes are still to be written at `path`, on a file system with `free` bytes left.

    `file_system` identifies the file system on this host.
    """

    path: str
    file_system: int
    needed: int
    free: int


def require_space(needs: Iterable[SpaceNeeded]) -> None:
    """Check that everything fits; needs on one file system are added up.

    Raises:
        DiskFullError: It does not fit; the message names the folders, what they need together and what is free.
    """
    shared: dict[int, list[SpaceNeeded]] = {}
    for need in needs:
        shared.setdefault(need.file_system, []).append(need)
    for together in shared.values():
        needed = sum(need.needed for need in together)
        free = min(need.free for need in together)
        if needed > free:
            raise _too_little(together, needed, free)


def _too_little(needs: list[SpaceNeeded], needed: int, free: int) -> DiskFullError:
    parts = " and ".join(f"{need.path} ({show_bytes(need.needed)})" for need in needs)
    share = ", which share one file system, still need" if len(needs) > 1 else " still needs"
    return DiskFullError(
        f"not enough space: {parts}{share} {show_bytes(needed)}, {show_bytes(free)} are free; "
        f"free at least {show_bytes(needed - free)} or choose other folders",
        path=needs[0].path,
        needed=needed,
        free=free,
    )
