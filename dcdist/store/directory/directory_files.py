"""Files below a directory, as the directory store needs them. Everything here blocks: it runs in threads.

Invariant: a file gets its name only when it is whole and synced. Names that are being written end in `~`, which no
key can, so they are never listed.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from dcdist.folder_sync import NO_LINKS, sync_folder
from dcdist.ports.store import Entry
from dcdist.store.object_keys import is_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import TracebackType


class ObjectFile:
    """One file for reading. It may be closed at any time and from any thread, which never waits.

    An open or read that is under way then ends first, and closes the file itself.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._descriptor = -1
        self._closed = False
        self.size = 0
        self.mark = ""

    def open(self) -> None:
        """Open it, and set `size` (bytes) and `mark`, which tells versions of the file apart.

        Raises:
            OSError: It cannot be opened, or is not a regular file.
        """
        try:
            with self._lock:
                if self._closed:
                    return
                self._descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
                state = os.fstat(self._descriptor)
        finally:
            self._end()
        if not stat.S_ISREG(state.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        self.size = state.st_size
        self.mark = f"{state.st_mtime_ns:x}-{state.st_size:x}-{state.st_ino:x}"

    def read(self, start: int, length: int) -> bytes:
        """The bytes from `start`; fewer than `length` only at the end of the file."""
        parts: list[bytes] = []
        try:
            with self._lock:
                while length > 0 and (part := os.pread(self._descriptor, length, start)):
                    parts.append(part)
                    start += len(part)
                    length -= len(part)
        finally:
            self._end()
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def close(self) -> None:
        """Close it, now or as soon as what is under way has ended."""
        self._closed = True
        self._end()

    def _end(self) -> None:
        # Whoever holds the lock calls this after it, so one of the two sees the other's mark.
        if self._closed and self._lock.acquire(blocking=False):
            try:
                if self._descriptor >= 0:
                    os.close(self._descriptor)
                    self._descriptor = -1
            finally:
                self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def write_whole(
    path: Path, body: bytes | memoryview, *, if_absent: bool, withdrawn: Callable[[], bool] = lambda: False
) -> bool:
    """Write a file under a hidden name, sync it, and give it its name unless the write is `withdrawn` by then.

    Returns:
        False if it could not be ruled out that another writer took the name at the same moment, though `if_absent`.

    Raises:
        FileExistsError: `if_absent`, and the name is taken.
        OSError: The file system refused.
    """
    if if_absent and path.exists():
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
    _make_folder(path.parent)
    hidden = _hidden_in(path.parent)
    alone = True
    try:
        _write_synced(hidden, body)
        if withdrawn():
            return True
        if if_absent:
            alone = _take_name(hidden, path)
        else:
            hidden.replace(path)
        _sync_folder(path.parent)
    finally:
        hidden.unlink(missing_ok=True)
    return alone


def entries_under(root: Path, prefix: str) -> list[Entry]:
    """All files whose keys begin with `prefix`, in rising order of their keys."""
    folder = prefix.rpartition("/")[0]
    if folder and not is_key(folder):
        return []
    return sorted(_walk(root / folder, f"{folder}/" if folder else "", prefix), key=lambda entry: entry.key)


def clock_of(root: Path) -> float:
    """The file system's clock, in seconds since 1970: that of a file written now.

    Where nothing can be written, this host's clock stands in.

    Raises:
        OSError: The file system failed.
    """
    hidden = _hidden_in(root)
    try:
        _write_synced(hidden, b"\n")
        return hidden.stat().st_mtime_ns / 1e9
    except OSError as error:
        if error.errno not in {errno.ENOENT, errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT}:
            raise
        return time.time_ns() / 1e9
    finally:
        with suppress(OSError):
            hidden.unlink()


def _walk(folder: Path, base: str, prefix: str) -> Iterator[Entry]:
    try:
        found = list(os.scandir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return
    for entry in found:
        key = base + entry.name
        if not (is_key(entry.name) and key.startswith(prefix)):
            continue
        # A file may be deleted between the listing of its folder and this.
        with suppress(FileNotFoundError):
            if entry.is_dir():
                yield from _walk(folder / entry.name, f"{key}/", prefix)
            elif entry.is_file():
                state = entry.stat()
                yield Entry(key, state.st_size, state.st_mtime_ns / 1e9)


def _hidden_in(folder: Path) -> Path:
    return folder / f".{secrets.token_hex(8)}~"


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise NotADirectoryError(errno.ENOTDIR, f"{folder} is in the way: it is not a folder") from error


def _write_synced(path: Path, body: bytes | memoryview) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    try:
        view = memoryview(body).cast("B")
        while view:
            view = view[os.write(descriptor, view) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _take_name(hidden: Path, path: Path) -> bool:
    """Give the file its name if that is free; True if that was one step, which a hard link is, on NFS too."""
    try:
        path.hardlink_to(hidden)
    except FileExistsError:
        # Over NFS an answer can be lost, and the request, sent again, then fails by its own success.
        if hidden.stat().st_nlink != 2:
            raise
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        if path.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST)) from error
        hidden.replace(path)
        return False
    return True


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        sync_folder(descriptor)
    finally:
        os.close(descriptor)
