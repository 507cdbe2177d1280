"""Frames are compressed on all cores, and come out in the order in which they went in.

Invariant: at most a few frames a core are held, however large the image.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, Self

from dcdist.errors import InvariantError
from dcdist.formats.frames import Packer, unpack
from dcdist.model.identity import Digest
from dcdist.model.layer import Frame
from dcdist.tasks import in_thread

if TYPE_CHECKING:
    from array import array

    from dcdist.publishing.cutting.placer import PlainFrame

# Each compressor takes 12 to 19 MiB, and one thread reads for all of them: more would only take memory.
_THREADS_LIMIT: Final = 24


@dataclass(frozen=True, slots=True)
class PackedFrame:
    """A frame as it goes into a layer: its bytes, their SHA-256, and its chunks (digests of 32 bytes, and lengths)."""

    data: bytes | memoryview
    digest: Digest
    plain_length: int
    chunk_digests: bytes
    chunk_lengths: array[int]


class PackerPool:
    """A pool of threads that compress. `level` is zstd's.

    Raises:
        UsageError: zstd has no such level.
    """

    def __init__(self, level: int) -> None:
        Packer(level)
        self._level = level
        self._threads = min(len(os.sched_getaffinity(0)), _THREADS_LIMIT)
        self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="dcdist-pack")
        self._local = threading.local()
        self._waiting: deque[asyncio.Future[PackedFrame]] = deque()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for future in self._waiting:
            future.cancel()
        await in_thread(partial(self._pool.shutdown, cancel_futures=True))
        await asyncio.gather(*self._waiting, return_exceptions=True)

    def submit(self, frame: PlainFrame) -> None:
        """Begin to compress a frame."""
        self._waiting.append(asyncio.get_running_loop().run_in_executor(self._pool, self._pack, frame))

    async def take(self, *, all_of_them: bool = False) -> PackedFrame | None:
        """The next frame in order, waiting for it if too many are held (or `all_of_them` are wanted); else None."""
        if not self._waiting or not (all_of_them or len(self._waiting) > 2 * self._threads):
            return None
        return await self._waiting.popleft()

    def _pack(self, frame: PlainFrame) -> PackedFrame:
        packer: Packer | None = getattr(self._local, "packer", None)
        if packer is None:
            packer = self._local.packer = Packer(self._level)
        data = packer.pack(frame.plain)
        digest = Digest(hashlib.sha256(data).digest())
        # A fault here, in memory or in the compressor, would reach every host: worth 7 % of the time.
        if unpack(Frame(0, 0, len(data), 0, len(frame.plain), digest), data) != frame.plain:
            raise InvariantError(
                "a frame does not unpack to what was packed: the memory of this machine may be failing"
            )
        return PackedFrame(data, digest, len(frame.plain), frame.digests, frame.lengths)
