"""The bytes of a file or a pipe, in order, without ever hanging.

All of this blocks: run it in threads. Invariant: what was read to its end is one state of the file. A write to it, or
another file in its place, between the first look and the last byte ends the reading; pipes and devices show neither.
"""

from __future__ import annotations

import os
import select
import stat
from threading import Event
from typing import TYPE_CHECKING, BinaryIO, Final

from dcdist.errors import DiskError, InputChangedError, UsageError
from dcdist.model.geometry import MIB
from dcdist.publishing.reading.file_stamp import FileStamp

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcdist.publishing.publish_request import ImageSource

_READ: Final = MIB
_NOT_WHAT_WAS_MEANT = (FileNotFoundError, IsADirectoryError, NotADirectoryError, PermissionError)
"""What opening a file says if it is not the one that the user meant."""
# Milliseconds.
_PATIENCE: Final = 500


class InputFile:
    """One file, stream or pipe. Its bytes come once, unless it is rewound."""

    def __init__(self, source: ImageSource) -> None:
        self._name = source.name
        self._path = None if source.stream is not None else source.path
        self._stream = source.stream
        self._stopped = Event()
        self._file: BinaryIO | None = None
        self._stamp: FileStamp | None = None
        self.where = str(source.path or source.name)
        """How messages name it."""
        self.size: int | None = None
        """Bytes of the file; None for a pipe or a stream."""
        self.read = 0
        """Bytes taken so far."""

    @property
    def is_pipe(self) -> bool:
        """Whether it is open and not a file: a pipe, a device, bytes in memory."""
        return self._stamp is None

    @property
    def is_device(self) -> bool:
        """Whether it is open and a device, such as /dev/null or a terminal."""
        file = self._file or self._stream
        try:
            return file is not None and stat.S_ISCHR(os.fstat(file.fileno()).st_mode)
        except (OSError, ValueError, AttributeError):
            # Such as bytes in memory.
            return False

    def beginning(self, size: int) -> bytes:
        """Its first `size` bytes, fewer if it is shorter. A file is then closed, to be read from its beginning again.

        Raises:
            InputChangedError: It changed meanwhile.
            DiskError: It cannot be read.
            UsageError: There is nothing to open, or nothing that may be opened.
        """
        parts = []
        while size > 0 and (data := self._some(size)):
            parts.append(data)
            size -= len(data)
        if self.size is not None:
            self.close()
            self.read = 0
        return b"".join(parts)

    def rest(self) -> Iterator[bytes]:
        """All bytes that were not taken yet, in parts; then it is closed.

        Raises:
            InputChangedError: It changed since it was first opened.
            DiskError: It cannot be read.
        """
        while data := self._some(_READ):
            yield data
        self.close()

    def stop(self) -> None:
        """Make a read that waits for a pipe in another thread return soon."""
        self._stopped.set()

    def close(self) -> None:
        """Close the file, unless it was given open."""
        if self._file is not None and self._stream is None:
            self._file.close()
            self._file = None

    def _open(self) -> BinaryIO:
        if self._stream is not None:
            self._stamp = _stamp_of_stream(self._stream)
            return self._stream
        if self._path is None:
            raise UsageError(f"image {self._name!r} has neither a path nor a stream")
        try:
            file: BinaryIO = open(self._path, "rb", buffering=0, opener=_open_at_once)  # noqa: SIM115
            stamp = FileStamp.of(os.fstat(file.fileno()))
        except OSError as error:
            if isinstance(error, FileNotFoundError):
                self._compare(None)
            if self._stamp is None and isinstance(error, _NOT_WHAT_WAS_MEANT):
                raise UsageError(f"{self.where} cannot be read: {error.strerror}") from error
            raise self._broken(error) from error
        if self._stamp is None:
            self._stamp = stamp
            self.size = None if stamp is None else stamp.size
        self._file = file
        self._compare(stamp)
        return file

    def _some(self, most: int) -> bytes:
        file = self._file = self._file or self._open()
        try:
            if self.size is None:
                self._wait(file)
            # `read` of a buffered pipe waits until it has all; `read1` takes what there is.
            data: bytes = getattr(file, "read1", file.read)(most) or b""
            if self._stamp is not None:
                self._compare(FileStamp.of(os.fstat(file.fileno())))
        except (OSError, ValueError) as error:
            raise self._broken(error) from error
        if not data and self._path is not None:
            self._compare(_stamp_at(self._path))
        self.read += len(data)
        return data

    def _wait(self, file: BinaryIO) -> None:
        """A thread that reads from a silent pipe could not be ended: look before reading."""
        try:
            poll = select.poll()
            poll.register(file.fileno(), select.POLLIN)
        except (OSError, ValueError, AttributeError):
            return
        while not poll.poll(_PATIENCE):
            if self._stopped.is_set():
                raise OSError("the publish was stopped")

    def _compare(self, now: FileStamp | None) -> None:
        """See that it has not changed since it was first opened.

        Raises:
            InputChangedError: It has.
        """
        before = self._stamp
        if before is None or now == before:
            return
        # A file that lost its name changed too; what is at its path says more.
        named = now if self._path is None else _stamp_at(self._path)
        what = before.change(named) or before.change(now)
        raise InputChangedError(
            f"{self.where} changed while it was read: {what}; publish it when nothing writes to it", path=self.where
        )

    def _broken(self, error: Exception) -> DiskError:
        reason = getattr(error, "strerror", None) or error
        return DiskError(f"{self.where} cannot be read: {reason}", path=self.where)


def _open_at_once(path: str, flags: int) -> int:
    """Open even a pipe into which nobody writes yet; reading waits for that, and can be stopped."""
    descriptor = os.open(path, flags | os.O_NONBLOCK)
    os.set_blocking(descriptor, True)
    return descriptor


def _stamp_at(path: os.PathLike[str]) -> FileStamp | None:
    try:
        return FileStamp.of(os.stat(path))
    except OSError:
        return None


def _stamp_of_stream(stream: BinaryIO) -> FileStamp | None:
    try:
        return FileStamp.of(os.fstat(stream.fileno()))
    except (OSError, ValueError, AttributeError):
        # Such as bytes in memory.
        return None
