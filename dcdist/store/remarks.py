"""What a store lacks, does otherwise than others, or gives away, told once each.

Invariant: a remark never changes what is done; whoever makes it has found another way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcdist.model.trouble import Trouble, Troubled

if TYPE_CHECKING:
    from collections.abc import Callable


class Remarks:
    """The remarks about one store; made on the event loop."""

    def __init__(self, report: Callable[[Troubled], None] | None = None) -> None:
        """`report` is called with each; nobody is told if it is None."""
        self._report = report
        self._made: set[str] = set()

    def once(self, about: str, message: str, source: str, *, kind: Trouble = Trouble.WORKAROUND) -> None:
        """Make a remark, unless there was one `about` the same; `source` is the store or the object."""
        if about in self._made:
            return
        self._made.add(about)
        if self._report is not None:
            self._report(Troubled(message, kind, source))
