"""Tells the first few of what is passed over one by one, and counts the rest: a store may hold any number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from dcdist.publishing.publish_events import LeftAlone, NotShared

_NAMED: Final = 5


class FewNotes:
    """Notes of one `kind`. Call `finish` when all were given; `place` is the prefix of those that were not named."""

    def __init__(
        self,
        report: Callable[[NotShared | LeftAlone], None],
        kind: type[NotShared | LeftAlone],
        *,
        place: str,
    ) -> None:
        self._report = report
        self._kind = kind
        self._place = place
        self._count = 0

    def note(self, key: str, reason: str) -> None:
        """An object that is passed over, and why."""
        self._count += 1
        if self._count <= _NAMED:
            self._report(self._kind(key, reason))

    def finish(self) -> None:
        """Tell how many more there were."""
        if (more := self._count - _NAMED) > 0:
            self._report(self._kind(self._place, f"{more} more are passed over"))
