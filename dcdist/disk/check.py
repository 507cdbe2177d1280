"""Checks the pieces of a data file by their SHA-1. Memory stays flat at one piece a thread; holes are not read."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
from typing import TYPE_CHECKING

from dcdist.disk.own_file import READ
from dcdist.disk.system_errors import refusals
from dcdist.model.geometry import MIB
from dcdist.model.pieces import of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from dcdist.disk.threads import Threads
    from dcdist.model.layer import Index
    from dcdist.model.pieces import Bits

CHECKERS = 2
"""Threads that check: enough to keep one disk and two cores busy."""

_BATCH = 16 * MIB


async def check(path: Path, index: Index, threads: Threads, *, checked: Callable[[int], None] | None = None) -> Bits:
    """The pieces that are in the file; `checked` gets the bytes checked so far. Ends soon when cancelled."""
    batches = _batches(index)
    good: Bits = 0
    done = 0

    async def work() -> None:
        nonlocal good, done
        for pieces in batches:
            found = await threads.run(_good_in, path, index, pieces)
            good |= found  # not `good |= await`: that would read `good` before it waits
            done += sum(map(index.geometry.piece_size, pieces))
            if checked is not None:
                checked(done)

    workers = [asyncio.ensure_future(work()) for _ in range(CHECKERS)]
    try:
        await asyncio.gather(*workers)
    finally:
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
    return good


def piece_hash(index: Index, piece: int) -> bytes:
    """The SHA-1 of a piece, from the index."""
    return index.piece_hashes[piece * 20 : piece * 20 + 20]


def sha1(data: bytes | memoryview) -> bytes:
    """As BitTorrent uses it."""
    return hashlib.sha1(data, usedforsecurity=False).digest()


def _batches(index: Index) -> Iterator[range]:
    count = index.geometry.piece_count
    step = max(1, _BATCH // index.geometry.piece_length)
    for first in range(0, count, step):
        yield range(first, min(first + step, count))


def _good_in(path: Path, index: Index, pieces: range) -> Bits:
    with refusals(path, "check layer"):
        descriptor = os.open(path, READ)
        try:
            return _good_pieces(descriptor, index, pieces)
        finally:
            os.close(descriptor)


def _good_pieces(descriptor: int, index: Index, pieces: range) -> Bits:
    geometry = index.geometry
    room = memoryview(bytearray(geometry.piece_length))
    zeros: dict[int, bytes] = {}
    good: list[int] = []
    for piece in pieces:
        start, size = piece * geometry.piece_length, geometry.piece_size(piece)
        if _is_hole(descriptor, start, size):
            if size not in zeros:
                zeros[size] = sha1(bytes(size))
            found = zeros[size]
        else:
            view = room[:size]
            found = sha1(view) if _read_into(descriptor, view, start) else b""
        if found == piece_hash(index, piece):
            good.append(piece)
    return of(good)


def _is_hole(descriptor: int, start: int, size: int) -> bool:
    try:
        return os.lseek(descriptor, start, os.SEEK_DATA) >= start + size
    except OSError as error:
        # ENXIO: no data from here to the end. Otherwise the file system does not report holes: read the piece.
        return error.errno == errno.ENXIO


def _read_into(descriptor: int, view: memoryview, start: int) -> bool:
    done = 0
    while done < len(view):
        count = os.preadv(descriptor, [view[done:]], start + done)
        if not count:
            return False
        done += count
    return True
