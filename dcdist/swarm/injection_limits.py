"""Bounds what injections hold in memory, for all layers of a session together.

libtorrent takes all it is given: bytes wait there to be checked, and then to be written. Invariant: at most CHECKING
bytes wait for the first, and at most SETTLING are handed over and not yet known to be in the file.
"""

from __future__ import annotations

from dcdist.model.geometry import MIB
from dcdist.swarm.byte_window import ByteWindow

CHECKING = 8 * MIB
SETTLING = 48 * MIB
SETTLE_AT = 16 * MIB
"""A flush is due when this many checked bytes may not be in the file. It costs no CPU to speak of, and some 10 ms."""


class InjectionLimits:
    """The room for injected bytes, and how many were `wasted`: for nothing; some of them since they were `wrong`."""

    def __init__(self) -> None:
        self.wasted = 0
        self.wrong = 0
        self._checked = 0
        self._checking = ByteWindow(CHECKING)
        self._settling = ByteWindow(SETTLING)

    async def enter(self, size: int) -> None:
        """Wait for room for `size` bytes, and take it."""
        await self._settling.enter(size)
        try:
            await self._checking.enter(size)
        except BaseException:
            self._settling.leave(size)
            raise

    def spoiled(self, size: int) -> None:
        """Bytes that entered failed their check."""
        self.wrong += size
        self.dropped(size)

    def dropped(self, size: int) -> None:
        """Bytes that entered were not handed over, or came to nothing."""
        self._checking.leave(size)
        self._settling.leave(size)
        self.wasted += size

    def checked(self, size: int) -> None:
        """Bytes passed their check; they need not be in the file yet."""
        self._checking.leave(size)
        self._checked += size

    def settled(self, size: int) -> None:
        """Checked bytes are in the file."""
        self._checked -= size
        self._settling.leave(size)

    @property
    def flush_due(self) -> bool:
        """Whether so much was checked that it should be flushed."""
        return self._checked >= SETTLE_AT

    def open(self) -> None:
        """Let everybody in: the session is at its end, and nobody must wait for it."""
        self._checking.open()
        self._settling.open()
