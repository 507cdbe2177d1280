"""SHA-1 of a layer's pieces while it is written: its length, which decides the piece length, is not known yet."""

from __future__ import annotations

import hashlib

from dcdist.model.geometry import PIECE_LENGTHS, Geometry


class PieceHashes:
    """Hashes with every piece length that the layer can still have."""

    def __init__(self) -> None:
        self._length = 0
        self._open = {length: _Pieces(length) for length in PIECE_LENGTHS}

    def update(self, data: bytes | memoryview) -> None:
        """Take the next bytes of the layer."""
        if not data:
            return
        self._length += len(data)
        least = Geometry.for_length(self._length).piece_length
        self._open = {length: pieces for length, pieces in self._open.items() if length >= least}
        for pieces in self._open.values():
            pieces.update(memoryview(data))

    def finish(self) -> bytes:
        """The hashes of all pieces, 20 bytes each, for the geometry of the length so far."""
        return self._open[Geometry.for_length(self._length).piece_length].finish()


class _Pieces:
    def __init__(self, length: int) -> None:
        self._length = length
        self._filled = 0
        self._hash = hashlib.sha1(usedforsecurity=False)
        self._hashes = bytearray()

    def update(self, data: memoryview) -> None:
        while data:
            part, data = data[: self._length - self._filled], data[self._length - self._filled :]
            self._hash.update(part)
            self._filled += len(part)
            if self._filled == self._length:
                self._close()

    def finish(self) -> bytes:
        if self._filled:
            self._close()
        return bytes(self._hashes)

    def _close(self) -> None:
        self._hashes += self._hash.digest()
        self._hash = hashlib.sha1(usedforsecurity=False)
        self._filled = 0
