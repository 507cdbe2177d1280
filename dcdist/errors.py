"""Every error that dcdist raises: one tree, split by whose fault it is.

    DcdistError
    ├─ UsageError                   the caller: options, names, configuration
    ├─ ReleaseError                 the request: what was asked for
    │  ├─ ReleaseMissingError
    │  └─ ReleaseExistsError
    ├─ FormatError                  bytes that cannot be read
    │  ├─ XvaError                  a damaged or truncated XVA; `member`
    │  └─ NewerFormatError          made by a newer dcdist; `needed`
    ├─ IntegrityError               bytes that are not what was promised
    │  ├─ SignatureError
    │  └─ RollbackError
    ├─ StoreError                   the object store; `store`, `key`
    │  ├─ StoreUnavailableError*    refused, reset, 5xx, stalled, name not resolved
    │  ├─ StoreThrottledError*      429, 498, 503 with Retry-After; `retry_after`
    │  ├─ ShortBodyError*           the body ended early
    │  ├─ RangeError                200, 416 or another range instead of the one asked for
    │  ├─ ObjectMissingError
    │  ├─ ObjectExistsError         a conditional create lost
    │  ├─ ObjectChangedError        the object is no longer the one that was begun
    │  ├─ StoreDeniedError          401 after a new sign-in, 403
    │  └─ StoreFullError
    ├─ SwarmError                   the BitTorrent session, the listening address
    ├─ DiskError                    this host's disk; `path`
    │  ├─ DiskFullError             `needed`, `free` (bytes)
    │  └─ CacheBusyError
    ├─ FetchFailedError             a fetch gave up; the message says why
    └─ InvariantError               a bug in dcdist

    * retryable: trying again later can help.

Third-party exceptions are mapped to these once, at the adapter's edge. `asyncio.CancelledError` never is.
Each class has an `exit_code`, which the command returns.
"""

from __future__ import annotations

from typing import ClassVar

__all__ = [
    "CacheBusyError", "DcdistError", "DiskError", "DiskFullError", "FetchFailedError", "FormatError",
    "IntegrityError", "InvariantError", "NewerFormatError", "ObjectChangedError", "ObjectExistsError",
    "ObjectMissingError", "RangeError", "ReleaseError", "ReleaseExistsError", "ReleaseMissingError",
    "RollbackError", "ShortBodyError", "SignatureError", "StoreDeniedError", "StoreError", "StoreFullError",
    "StoreThrottledError", "StoreUnavailableError", "SwarmError", "UsageError", "XvaError",
]  # fmt: skip


class DcdistError(Exception):
    """Root of all errors that dcdist raises on purpose."""

    retryable: ClassVar[bool] = False
    exit_code: ClassVar[int] = 1

    def add_context(self, *, place: str = "", note: str = "") -> None:
        """Add to the message where it happened, in front (`place: ...`), or what was done about it (`...; note`)."""
        message = f"{place}: {self}" if place else str(self)
        self.args = (f"{message}; {note}" if note else message,)


class UsageError(DcdistError):
    """An option, a name or a setting is invalid; the message names it and a valid one."""

    exit_code = 2


class ReleaseError(DcdistError):
    """What was asked for cannot be given."""

    exit_code = 8

    def __init__(self, message: str, *, release: str) -> None:
        super().__init__(message)
        self.release = release


class ReleaseMissingError(ReleaseError):
    """The store has no such release."""


class ReleaseExistsError(ReleaseError):
    """The release is published already, with other content; releases never change."""


class FormatError(DcdistError):
    """Bytes that cannot be read: not in the format they should be in."""

    exit_code = 5


class XvaError(FormatError):
    """An XVA is damaged, truncated or not an XVA; `member` is the member where it showed."""

    def __init__(self, message: str, *, member: str) -> None:
        super().__init__(message)
        self.member = member


class NewerFormatError(FormatError):
    """Made by a newer dcdist; `needed` is the format version that this one lacks."""

    def __init__(self, message: str, *, needed: int) -> None:
        super().__init__(message)
        self.needed = needed


class IntegrityError(DcdistError):
    """Bytes that are not what was promised; `source` tells where they came from."""

    exit_code = 4

    def __init__(self, message: str, *, source: str = "") -> None:
        super().__init__(message)
        self.source = source


class SignatureError(IntegrityError):
    """No signature by a trusted key; `damaged`: it names a trusted key, but does not fit what it should sign."""

    def __init__(self, message: str, *, source: str = "", damaged: bool = False) -> None:
        super().__init__(message, source=source)
        self.damaged = damaged


class RollbackError(IntegrityError):
    """The store's latest release is older than one that this host has seen."""


class StoreError(DcdistError):
    """The object store could not do what it was asked; `store` and `key` tell where."""

    exit_code = 3

    def __init__(self, message: str, *, store: str = "", key: str = "") -> None:
        super().__init__(message)
        self.store = store
        self.key = key


class StoreUnavailableError(StoreError):
    """No answer, a broken connection, a stall, or a server error."""

    retryable = True


class StoreThrottledError(StoreError):
    """The store asks for fewer requests; `retry_after` is its wish in seconds, or None."""

    retryable = True

    def __init__(self, message: str, *, store: str = "", key: str = "", retry_after: float | None = None) -> None:
        super().__init__(message, store=store, key=key)
        self.retry_after = retry_after


class ShortBodyError(StoreError):
    """A body ended before its announced length."""

    retryable = True


class RangeError(StoreError):
    """Another range than the one asked for, the whole object, or none."""


class ObjectMissingError(StoreError):
    """No such object."""


class ObjectExistsError(StoreError):
    """A conditional create found the object there."""


class ObjectChangedError(StoreError):
    """The object is not the one that earlier reads saw."""


class StoreDeniedError(StoreError):
    """The credentials are missing, wrong or not enough."""


class StoreFullError(StoreError):
    """The store has no room or a quota is reached."""


class SwarmError(DcdistError):
    """The BitTorrent session could not start or broke."""

    exit_code = 7


class DiskError(DcdistError):
    """This host's disk refused; `path` tells where."""

    exit_code = 6

    def __init__(self, message: str, *, path: str) -> None:
        super().__init__(message)
        self.path = path


class DiskFullError(DiskError):
    """Not enough room; `needed` and `free` are bytes."""

    def __init__(self, message: str, *, path: str, needed: int = 0, free: int = 0) -> None:
        super().__init__(message, path=path)
        self.needed = needed
        self.free = free


class CacheBusyError(DiskError):
    """Another process holds what only one may write."""


class FetchFailedError(DcdistError):
    """A fetch gave up; the message says why and what is still missing."""

    exit_code = 9


class InvariantError(DcdistError):
    """A bug in dcdist: something impossible happened."""
