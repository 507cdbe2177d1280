"""Every error that dcdist raises: one tree, split by whose fault it is.

    DcdistError
    ├─ UsageError                   the caller: options, names, configuration
    ├─ ReleaseError                 the request: a release, or a part of one
    │  ├─ ReleaseMissingError
    │  └─ ReleaseExistsError
    ├─ FormatError                  data in an unexpected format
    │  ├─ XvaError                  a damaged or truncated XVA; `member`
    │  ├─ NewerFormatError          made by a newer dcdist; `needed`
    │  └─ InputChangedError         a file changed while a publish read it; `path`
    ├─ IntegrityError               data that fail a check; `source`
    │  ├─ SignatureError
    │  ├─ RollbackError
    │  └─ LineError
    ├─ StoreError                   the object store; `store`, `key`
    │  ├─ StoreUnavailableError*    connection refused or reset, 5xx, stall, host name not resolved
    │  ├─ StoreThrottledError*      429, 498, 503; `retry_after`
    │  ├─ ShortBodyError*           the body ended early
    │  ├─ RangeError                200, 416 or another range than the requested one
    │  ├─ StoreMissingError          there is no such container or directory
    │  ├─ ObjectMissingError
    │  ├─ ObjectExistsError         a conditional create was too late
    │  ├─ ObjectChangedError        another writer replaced the object
    │  ├─ StoreDeniedError          401 after a new sign-in, 403
    │  ├─ WebPageError              a web page came in place of an object
    │  └─ StoreFullError
    ├─ SwarmError                   the BitTorrent session, the listening address
    ├─ DiskError                    this host's disk; `path`
    │  ├─ DiskFullError             `needed`, `free` (bytes)
    │  └─ CacheBusyError
    ├─ FetchFailedError             a fetch gave up; the message says why
    ├─ NotReadyError                this host would not trade: a check of `doctor` failed
    └─ InvariantError               a bug in dcdist

    * retryable: a later try may succeed.

Adapters map third-party exceptions to these, once, at their edge. `asyncio.CancelledError` is never mapped.
The command exits with the `exit_code` of the class. The first clause of its docstring is shown in the help.
"""

from __future__ import annotations

from typing import ClassVar, Self

from dcdist.shown_text import on_one_line

__all__ = [
    "CacheBusyError", "DcdistError", "DiskError", "DiskFullError", "FetchFailedError", "FormatError",
    "InputChangedError", "IntegrityError", "InvariantError", "LineError", "NewerFormatError", "NotReadyError",
    "ObjectChangedError", "ObjectExistsError", "ObjectMissingError", "RangeError", "ReleaseError", "ReleaseExistsError",
    "ReleaseMissingError", "RollbackError", "ShortBodyError", "SignatureError", "StoreDeniedError", "StoreError",
    "StoreFullError", "StoreMissingError", "StoreThrottledError", "StoreUnavailableError", "SwarmError", "UsageError",
    "WebPageError", "XvaError",
]  # fmt: skip


class DcdistError(Exception):
    """Root of all errors that dcdist raises on purpose. Its message is one line, whatever a server put into it."""

    retryable: ClassVar[bool] = False
    exit_code: ClassVar[int] = 1

    def __str__(self) -> str:
        return on_one_line(super().__str__())

    def add_context(self, *, place: str = "", note: str = "") -> None:
        """Add to the message where it happened, in front (`place: ...`), or what was done about it (`...; note`)."""
        message = f"{place}: {self}" if place else str(self)
        self.args = (f"{message}; {note}" if note else message,)

    def let_go(self) -> Self:
        """Forget the frames that it came through, and its causes: they hold what was being read, which may be large."""
        each: BaseException | None = self
        while each is not None:
            each.__traceback__, each = None, each.__cause__ or each.__context__
        self.__cause__ = self.__context__ = None
        return self


class UsageError(DcdistError):
    """An option, a name or a setting is invalid; the message names it and shows a valid one."""

    exit_code = 2


class ReleaseError(DcdistError):
    """The requested release cannot be fetched or published; `release` is what was asked for."""

    exit_code = 8

    def __init__(self, message: str, *, release: str) -> None:
        super().__init__(message)
        self.release = release


class ReleaseMissingError(ReleaseError):
    """The store has no release of that name."""


class ReleaseExistsError(ReleaseError):
    """The release exists with other content; releases never change."""


class FormatError(DcdistError):
    """Data are not in the expected format."""

    exit_code = 5


class XvaError(FormatError):
    """An XVA is damaged or truncated, or the file is not an XVA; `member` is the member where it shows."""

    def __init__(self, message: str, *, member: str) -> None:
        super().__init__(message)
        self.member = member


class NewerFormatError(FormatError):
    """Data were written by a newer dcdist; `needed` is their format version."""

    def __init__(self, message: str, *, needed: int) -> None:
        super().__init__(message)
        self.needed = needed


class InputChangedError(FormatError):
    """A file changed while it was read to be published; `path` is the file."""

    def __init__(self, message: str, *, path: str) -> None:
        super().__init__(message)
        self.path = path


class IntegrityError(DcdistError):
    """Data failed a check: a digest, a signature or a serial; `source` is where they came from, empty if unknown."""

    exit_code = 4

    def __init__(self, message: str, *, source: str = "") -> None:
        super().__init__(message)
        self.source = source


class SignatureError(IntegrityError):
    """No trusted key signed the data; `damaged`: they name a trusted key, but its signature does not match them."""

    def __init__(self, message: str, *, source: str = "", damaged: bool = False) -> None:
        super().__init__(message, source=source)
        self.damaged = damaged


class RollbackError(IntegrityError):
    """The store's release is older than one that this host has seen."""


class LineError(IntegrityError):
    """The release is of another line than this host follows, or it is not clear which line to follow."""


class StoreError(DcdistError):
    """The object store failed or refused a request; `store` is its URL, `key` the object; empty if there is none."""

    exit_code = 3

    def __init__(self, message: str, *, store: str = "", key: str = "") -> None:
        super().__init__(message)
        self.store = store
        self.key = key


class StoreUnavailableError(StoreError):
    """No answer, a broken connection, a stall, or a server error."""

    retryable = True


class StoreThrottledError(StoreError):
    """The store asks for fewer requests; `retry_after` is the wait it asks for, in seconds, or None."""

    retryable = True

    def __init__(self, message: str, *, store: str = "", key: str = "", retry_after: float | None = None) -> None:
        super().__init__(message, store=store, key=key)
        self.retry_after = retry_after


class ShortBodyError(StoreError):
    """A body ended before its announced length."""

    retryable = True


class RangeError(StoreError):
    """The store sent another range than the requested one, the whole object, or nothing."""


class StoreMissingError(StoreError):
    """The container or directory of the store does not exist."""


class ObjectMissingError(StoreError):
    """The object does not exist."""


class ObjectExistsError(StoreError):
    """A conditional create found that the object exists."""


class ObjectChangedError(StoreError):
    """Another writer replaced the object."""


class StoreDeniedError(StoreError):
    """The credentials are missing, wrong or insufficient."""


class WebPageError(StoreError):
    """The server sent a web page in place of an object."""


class StoreFullError(StoreError):
    """The store is full, or a quota is reached."""


class SwarmError(DcdistError):
    """The BitTorrent session could not start, or it failed."""

    exit_code = 7


class DiskError(DcdistError):
    """A disk of this host failed or refused; `path` is the file or folder."""

    exit_code = 6

    def __init__(self, message: str, *, path: str) -> None:
        super().__init__(message)
        self.path = path


class DiskFullError(DiskError):
    """There is not enough space; `needed` and `free` are bytes."""

    def __init__(self, message: str, *, path: str, needed: int = 0, free: int = 0) -> None:
        super().__init__(message, path=path)
        self.needed = needed
        self.free = free


class CacheBusyError(DiskError):
    """Another process is writing it; only one may."""


class FetchFailedError(DcdistError):
    """A fetch gave up; the message says why and what is still missing."""

    exit_code = 9


class NotReadyError(DcdistError):
    """A check of `doctor` failed; a fetch on this host would fail, or would not trade."""

    exit_code = 10


class InvariantError(DcdistError):
    """A bug in dcdist: an invariant does not hold."""
