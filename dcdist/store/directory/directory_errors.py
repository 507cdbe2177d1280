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
from dcdist.store.directory.below_root import InTheWayError

if TYPE_CHECKING:
    from collections.abc import Mapping

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
    errno.ELOOP: (StoreError, "symbolic links lead in circles, or one took the place of the file; mend them"),
    errno.EILSEQ: (StoreError, f"the file system does not take that name; {_ANOTHER}"),
    errno.EINVAL: (StoreError, f"the file system does not know that request; {_ANOTHER}"),
    errno.ENOSYS: (StoreError, f"the file system cannot do that; {_ANOTHER}"),
    errno.EOPNOTSUPP: (StoreError, f"the file system cannot do that; {_ANOTHER}"),
    errno.EXDEV: (StoreError, f"the folder lies on two file systems; {_ANOTHER}"),
}
"""The errors that end at once, by the system's number: their kind, and what they mean."""


def directory_error(error: OSError, *, store: str, key: str, writes: bool = False) -> StoreError:
    """The store's error for one of the file system, or for silence; `writes`: an object was to be made.

    Silence is a `TimeoutError` without a number of the system.
    """
    place = f"{store}: {key}" if key else store
    if isinstance(error, InTheWayError):
        return _in_the_way(error, place, store=store, key=key, writes=writes)
    if isinstance(error, TimeoutError) and error.errno is None:
        message = f"{place}: the file system does not answer; is the server there that it comes from?"
        return StoreUnavailableError(message, store=store, key=key)
    wanted, meaning = REFUSALS.get(error.errno or 0, (StoreUnavailableError, "the file system failed; try again"))
    return wanted(f"{place}: {meaning} ({error.strerror or error})", store=store, key=key)


def _in_the_way(error: InTheWayError, place: str, *, store: str, key: str, writes: bool) -> StoreError:
    rule = "; below a store's root no link is followed" if error.is_link else ""
    if not writes:
        message = f"{place}: there is no such object: {error.path} is {error.found}{rule}"
        return ObjectMissingError(message, store=store, key=key)
    wanted = "an object" if error.path == key else "a folder"
    message = f"{place}: {error.path} is in the way: it is not {wanted} but {error.found}{rule}; remove it"
    return StoreDeniedError(message, store=store, key=key)
