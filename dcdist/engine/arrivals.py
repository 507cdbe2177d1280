"""Which frames of a layer are here? Pure: pieces in, frames out that they completed, each once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcdist.model import pieces

if TYPE_CHECKING:
    from collections.abc import Callable

    from dcdist.model.layer import Index
    from dcdist.model.pieces import Bits


class Arrivals:
    """The frames of one layer that have arrived, of those that are used."""

    def __init__(self, index: Index, is_used: Callable[[int], bool]) -> None:
        """`is_used` tells whether anybody wants a frame: the others never arrive."""
        self._frames = index.frames
        self._geometry = index.geometry
        self._is_used = is_used
        self._arrived = bytearray(len(index.frames))  # a flag a frame

    def completed_by(self, came: Bits, have: Bits) -> list[int]:
        """The used frames that `came` completed; `have` is all that is here, these pieces among it."""
        frames, geometry = self._frames, self._geometry
        completed = []
        for piece in pieces.each(came):
            start = piece * geometry.piece_length
            for frame in frames.over(start, start + geometry.piece_size(piece)):
                if self._arrived[frame] or not self._is_used(frame):
                    continue
                over = geometry.pieces_over(frames.starts[frame], frames.starts[frame + 1])
                needed = pieces.span(over.start, over.stop)
                if have & needed == needed:
                    self._arrived[frame] = 1
                    completed.append(frame)
        return completed
