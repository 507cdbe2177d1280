"""One error out of a group: what a user sees when several tasks failed together."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from dcdist.errors import DcdistError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def single_error() -> Iterator[None]:
    """Raise one error of an exception group: the first bug, else the first error. The others become its cause."""
    try:
        yield
    except BaseExceptionGroup as group:
        leaves = list(_leaves(group))
        bugs = [leaf for leaf in leaves if not isinstance(leaf, DcdistError)]
        chosen = bugs[0] if bugs else leaves[0]
        others = [leaf for leaf in leaves if leaf is not chosen]
        if chosen.__cause__ is None and others:
            raise chosen from BaseExceptionGroup("failed together", others)
        raise chosen from chosen.__cause__


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error
