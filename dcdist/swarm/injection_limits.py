"""Limits the memory that injections hold, over all layers of a session.

libtorrent accepts everything at once and keeps it until it is checked, and then until it is written.

Invariant: at most CHECKING bytes wait for their check, and at most SETTLING bytes are handed over and not yet known to
be in the file.
"""

from __future__ import annotations

from dcdist.model.geometry import MIB
from dcdist.swarm.byte_window import ByteWindow

CHECKING = 8 * MIB
SETTLING = 48 * MIB
SETTLE_AT = 16 * MIB
"""A flush is due when this many checked bytes may not be in the file. It takes about 10 ms and hardly any CPU."""


class InjectionLimits:
    """The room for injected bytes; counts the bytes that were `wasted`, and those of them that were `wrong`."""

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

    def failed(self, size: int) -> None:
        """Bytes that entered failed their check."""
        self.wrong += size
        self.dropped(size)

    def dropped(self, size: int) -> None:
        """Bytes that entered were not handed over, or were wasted."""
        self._checking.leave(size)
        self._settling.leave(size)
        self.wasted += size

    def checked(self, size: int) -> None:
        """Bytes passed their check; they may not be in the file yet."""
        self._checking.leave(size)
        self._checked += size

    def settled(self, size: int) -> None:
        """Checked bytes are in the file."""
        self._checked -= size
        self._settling.leave(size)

    @property
    def flush_due(self) -> bool:
        """Whether enough bytes were checked for a flush."""
        return self._checked >= SETTLE_AT

    def open(self) -> None:
        """Lift the limits: the session is ending, and no caller may wait for it."""
        self._checking.open()
        self._settling.open()
