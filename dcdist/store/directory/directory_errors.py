"""What the file system of a directory store refuses, as errors of dcdist; decides what is tried again.

Invariant: whatever stands in `REFUSALS` ends at once, as it would be refused again. All else, such as EIO, ESTALE or
ETIMEDOUT of a network file system, may pass.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from dcdist.errors import (
    ObjectExistsError,
    ObjectMissingError,
    StoreDeniedError,
    StoreError,
    StoreFullError,
    StoreUnavailableError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

_ANOTHER = "choose another folder or file system"

REFUSALS: Mapping[int, tuple[type[StoreError], str]] = {
    errno.ENOENT: (ObjectMissingError, "there is no such object"),
    errno.ENOTDIR: (ObjectMissingError, "there is no such object: a part of its path is a file"),
    errno.EISDIR: (ObjectMissingError, "there is no such object: it is a folder"),
    errno.EEXIST: (ObjectExistsError, "it exists already"),
    errno.EACCES: (StoreDeniedError, "permission denied; check the owner and the mode of the folder"),
    errno.EPERM: (StoreDeniedError, "the file system does not allow this; check the folder's owner and attributes"),
    errno.EROFS: (StoreDeniedError, "the file system is read-only"),
    errno.ENOSPC: (StoreFullError, "the store is full; make room there"),
    errno.EDQUOT: (StoreFullError, "the quota is reached; free some space or raise it"),
    errno.EFBIG: (StoreFullError, "the file system takes no file that large"),
    errno.EMLINK: (StoreFullError, "the file system takes no more folders or links there"),
    errno.ENAMETOOLONG: (StoreError, "the path is too long for the file system; choose a shorter one"),
    errno.ELOOP: (StoreError, "symbolic links lead in circles; mend them"),
    errno.EILSEQ: (StoreError, f"the file system does not take that name; {_ANOTHER}"),
    errno.EINVAL: (StoreError, f"the file system does not know that request; {_ANOTHER}"),
    errno.ENOSYS: (StoreError, f"the file system cannot do that; {_ANOTHER}"),
    errno.EOPNOTSUPP: (StoreError, f"the file system cannot do that; {_ANOTHER}"),
    errno.EXDEV: (StoreError, f"the folder lies on two file systems; {_ANOTHER}"),
}
"""The errors that end at once, by the system's number: their kind, and what they mean."""


class MappedErrors:
    """Maps an OSError that leaves its block to the store's errors, once."""

    def __init__(self, *, store: str, key: str) -> None:
        self.store = store
        self.key = key

    def __enter__(self) -> None:
        """Begin the block."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Raise the mapped error in place of an OSError."""
        if isinstance(error, OSError):
            reason = error.strerror or str(error)
            passing = StoreUnavailableError, "the file system failed; try again"
            wanted, meaning = REFUSALS.get(error.errno or 0, passing)
            place = f"{self.store}: {self.key}" if self.key else self.store
            raise wanted(f"{place}: {meaning} ({reason})", store=self.store, key=self.key) from error
