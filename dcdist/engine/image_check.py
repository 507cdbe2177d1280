"""Checks an image as a whole: SHA-256 over its bytes, read back from its file right behind the assembly.

The frames were checked already; this guards against everything else, up to the file itself. It follows the finished
front of the image, so that little is left to do when the last frame is written.
"""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING

from dcdist.engine.placements import parts
from dcdist.errors import IntegrityError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from dcdist.engine.assembly import Source
    from dcdist.engine.placements import Part
    from dcdist.model.extents import Extents
    from dcdist.model.identity import LayerName
    from dcdist.model.release import Image
    from dcdist.ports.images import ImageFile

_RUN = 1 << 22
"""Bytes read back at once."""

_ZEROS = bytes(1 << 16)


class ImageCheck:
    """One image's check. `frames_done` wakes it; `run` ends when the image is right."""

    def __init__(
        self,
        image: Image,
        extents: Extents,
        file: ImageFile,
        sources: Sequence[Source],
        numbers: Mapping[LayerName, int],
    ) -> None:
        self._image = image
        self._file = file
        self._sources = sources
        tables = [source.index.frames for source in sources]
        self._parts: Iterator[Part] = parts(extents, tables, numbers)
        self._part: Part | None = next(self._parts, None)
        self._hash = hashlib.sha256()
        self._wake = asyncio.Event()

    def frames_done(self) -> None:
        """More frames were written."""
        self._wake.set()

    async def run(self) -> None:
        """Follow the image to its end.

        Raises:
            IntegrityError: It is not what the manifest promises.
        """
        while self._part is not None:
            self._wake.clear()
            run = self._next_run()
            if run:
                await asyncio.to_thread(self._feed, run)
            else:
                await self._wake.wait()
        if self._hash.digest() != self._image.digest:
            raise IntegrityError(
                f"image {self._image.name} is not what the manifest promises: SHA-256 is {self._hash.hexdigest()}, not "
                f"{self._image.digest.hex()}; its frames are right, so the release was published wrong, or this host's "
                "disk or memory is failing",
                source=self._image.name,
            )

    def _next_run(self) -> list[Part]:
        """The next finished parts, at most _RUN bytes (but a run of zeros of any length)."""
        run: list[Part] = []
        length = 0
        while self._part is not None and length < _RUN:
            part = self._part
            if part.layer is not None and not self._sources[part.layer].done[part.frame]:
                break
            run.append(part)
            length += part.length
            self._part = next(self._parts, None)
        return run

    def _feed(self, run: list[Part]) -> None:
        start = stop = run[0].offset
        for part in run:
            if part.layer is None:
                self._read(start, stop)
                self._feed_zeros(part.length)
                start = part.offset + part.length
            stop = part.offset + part.length
        self._read(start, stop)

    def _read(self, start: int, stop: int) -> None:
        for offset in range(start, stop, _RUN):
            self._hash.update(self._file.read(offset, min(_RUN, stop - offset)))

    def _feed_zeros(self, length: int) -> None:
        while length:
            step = min(length, len(_ZEROS))
            self._hash.update(_ZEROS[:step])
            length -= step
