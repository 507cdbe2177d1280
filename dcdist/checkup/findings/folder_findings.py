"""What is said of a folder that a fetch writes to: what its file system lacks, its room and its speed. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dcdist.checkup.findings.finding import failed, ok, warning
from dcdist.model.quantities import show_bytes, show_rate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dcdist.checkup.findings.finding import Check, Finding

_SLOW = 20e6
"""Bytes a second, written and synced, from which a disk holds up a fetch at 1 Gbit/s badly."""

_LITTLE = 1 << 30

_NAMED = 5
"""Releases that are named in one message."""


@dataclass(frozen=True, slots=True)
class FolderSeen:
    """A folder, or the nearest one above it that exists.

    `file_system` identifies the file system; `free` bytes can still be written. `lacks`: abilities that the file system
    does not have, in words. `written` bytes took `write_seconds`, and `sync_seconds` until they were on the disk; all
    three are 0 if there was too little room to try. `exposed`: which folder others may write to and who, and what to
    do; both empty if nobody may.
    """

    path: str
    exists: bool
    file_system: int
    free: int
    lacks: tuple[str, ...] = ()
    not_sparse: bool = False
    written: int = 0
    write_seconds: float = 0.0
    sync_seconds: float = 0.0
    exposed: tuple[str, str] = ("", "")


@dataclass(frozen=True, slots=True)
class Demand:
    """The bytes that a fetch of a release still needs on a file system; if not `exact`, it may be less."""

    release: str
    needed: int
    exact: bool


def of_folder(check: Check, seen: FolderSeen, *, demands: Sequence[Demand], shared_with: str = "") -> Finding:
    """A folder that can be written to.

    `demands`: of the newest release of each demo, on the folder's file system, where they are known. `shared_with`: the
    other folder, if both are on one file system.
    """
    parts = [seen.path if seen.exists else f"{seen.path} does not exist yet, and can be made"]
    parts.append(f"{show_bytes(seen.free)} free" + (f", shared with {shared_with}" if shared_with else ""))
    if seen.written:
        writing, syncing = _rate(seen.written, seen.write_seconds), _rate(seen.written, _whole(seen))
        parts.append(f"{show_bytes(seen.written)} written at {show_rate(writing)}, with sync at {show_rate(syncing)}")
    told = "; ".join(parts)
    if seen.lacks:
        return failed(
            check, f"{told}; the file system cannot {', '.join(seen.lacks)}", "choose a folder on a local disk"
        )
    if seen.free == 0:
        return failed(check, told, "make room, or choose another folder")
    if large := [each for each in demands if each.needed > seen.free]:
        return _too_large(check, seen, told, large, len(demands))
    return _doubts(check, seen, told)


def _too_large(check: Check, seen: FolderSeen, told: str, large: Sequence[Demand], known: int) -> Finding:
    """Some newest releases do not fit; a fetch surely ends if that is so of all of them."""
    named = [f"{each.release} still needs {'' if each.exact else 'up to '}{show_bytes(each.needed)}" for each in large]
    more = f", and {len(large) - _NAMED} more" if len(large) > _NAMED else ""
    told += f"; too little: {', '.join(named[:_NAMED])}{more}"
    lacking = max(each.needed for each in large) - seen.free
    advice = f"make room for {show_bytes(lacking)} more, or choose another folder"
    if len(large) == known and all(each.exact for each in large):
        return failed(check, told, advice)
    others = "" if len(large) == known else "; if this host fetches another demo, name it with --demo"
    return warning(check, told, advice + others)


def _doubts(check: Check, seen: FolderSeen, told: str) -> Finding:
    who, remedy = seen.exposed
    if who:
        return warning(check, f"{told}; other users can replace what is in it: {who}", remedy)
    if seen.not_sparse:
        advice = "count the whole size of the images, or choose another folder"
        return warning(check, f"{told}; files cannot be sparse: zeros take room too", advice)
    if seen.written and _rate(seen.written, _whole(seen)) < _SLOW:
        return warning(check, f"{told}; the disk would hold up a fetch", "choose a folder on a quicker disk")
    if seen.free < _LITTLE:
        return warning(check, told, "make room: most releases need more")
    return ok(check, told)


def _whole(seen: FolderSeen) -> float:
    return seen.write_seconds + seen.sync_seconds


def _rate(count: int, seconds: float) -> float:
    return count / max(seconds, 1e-6)
