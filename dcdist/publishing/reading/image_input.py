"""An image as it comes from a file or a pipe: opened, unpacked if it is a wrapped XVA, and verified while it is read.

All of this blocks: run it in threads. Invariant: an image whose last part was given is intact; a damaged one raises.
"""

from __future__ import annotations

import hashlib
import os
import select
import stat
from threading import Event
from typing import TYPE_CHECKING, BinaryIO, Final

from dcdist.errors import DiskError, FormatError, UsageError, XvaError
from dcdist.formats.tar import BLOCK
from dcdist.formats.wrapping import Wrapping, unwrap, wrapping_of
from dcdist.formats.xva import Content, Part, XvaReader, begins_like_an_xva
from dcdist.model.geometry import KIB, MIB
from dcdist.model.identity import Digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dcdist.publishing.publish_request import ImageSource

BATCH: Final = 4 * MIB
"""Plain bytes that are handed on at once, about."""

_READ: Final = MIB
# By then the first block of a zstd or gzip stream gives plain bytes.
_HEAD: Final = 256 * KIB
# Milliseconds.
_PATIENCE: Final = 500


class ImageInput:
    """One image. Its bytes come once, in order."""

    def __init__(self, source: ImageSource) -> None:
        self._source = source
        self._where = str(source.path or source.name)
        self._stopped = Event()
        self._digest = hashlib.sha256()
        self._file: BinaryIO | None = None
        self._head = b""
        self._wrapping = Wrapping.NONE
        self._reader: XvaReader | None = None
        self._batches = self._read_batches()
        self.name = source.name
        """Its name in the release; final once it is open."""
        self.size: int | None = None
        """Bytes of the file; None for a pipe."""
        self.read = 0
        """Bytes taken from the file so far."""
        self.plain = 0
        """Plain bytes given so far."""

    def open(self) -> None:
        """Read its beginning, to see what it is. A file is then closed until its turn comes: there may be many.

        Raises:
            DiskError: It cannot be read.
            UsageError: There is nothing to open.
        """
        head = b"".join(self._until(_HEAD))
        if self.size is None:
            self._head = head
        else:
            self.close()
            self.read = 0
        wrapping = wrapping_of(head)
        if not begins_like_an_xva(_beginning(wrapping, head)) and not _named_like_an_xva(self.name):
            return
        self._wrapping, self._reader = wrapping, XvaReader()
        if self.name.lower().endswith(wrapping.value):
            self.name = self.name[: len(self.name) - len(wrapping.value)]

    @property
    def is_xva(self) -> bool:
        """Whether it is read, and verified, as an XVA."""
        return self._reader is not None

    @property
    def digest(self) -> Digest:
        """The SHA-256 of the plain bytes given so far."""
        return Digest(self._digest.digest())

    def batch(self) -> list[Part]:
        """The next few MiB; empty at the end.

        Raises:
            XvaError: It is a damaged XVA.
            DiskError: It cannot be read.
        """
        return next(self._batches, [])

    def stop(self) -> None:
        """Make a `batch` that waits for a pipe in another thread return soon."""
        self._stopped.set()

    def close(self) -> None:
        """Close the file, unless it was given open."""
        if self._file is not None and self._source.stream is None:
            self._file.close()
            self._file = None

    def _open(self) -> BinaryIO:
        path, stream = self._source.path, self._source.stream
        if stream is not None:
            return stream
        if path is None:
            raise UsageError(f"image {self.name!r} has neither a path nor a stream")
        try:
            file: BinaryIO = path.open("rb", buffering=0)
            status = os.fstat(file.fileno())
        except OSError as error:
            raise self._broken(error) from error
        if stat.S_ISREG(status.st_mode):
            self.size = status.st_size
        return file

    def _read_batches(self) -> Iterator[list[Part]]:
        batch: list[Part] = []
        size = 0
        for part in self._parts():
            self._digest.update(part.data)
            self.plain += len(part.data)
            batch.append(part)
            size += len(part.data)
            if size >= BATCH:
                yield batch
                batch, size = [], 0
        yield batch

    def _parts(self) -> Iterator[Part]:
        if self._reader is None:
            for data in self._raw():
                yield Content(memoryview(data))
            return
        try:
            for data in unwrap(self._wrapping, self._raw()):
                yield from self._reader.receive(data)
            self._reader.finish()
        except XvaError as error:
            raise XvaError(f"{self._where} is not a valid XVA: {error}", member=error.member) from error
        except FormatError as error:
            member = self._reader.member
            raise XvaError(f"{self._where} is not a valid XVA: {member}: {error}", member=member) from error

    def _raw(self) -> Iterator[bytes]:
        if self._head:
            yield self._head
            self._head = b""
        while data := self._some():
            yield data
        self.close()

    def _until(self, size: int) -> Iterator[bytes]:
        while size > 0 and (data := self._some(size)):
            size -= len(data)
            yield data

    def _some(self, most: int = _READ) -> bytes:
        file = self._file = self._file or self._open()
        try:
            if self.size is None:
                self._wait(file)
            # `read` of a buffered pipe waits until it has all; `read1` takes what there is.
            data = getattr(file, "read1", file.read)(most) or b""
        except (OSError, ValueError) as error:
            raise self._broken(error) from error
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

    def _broken(self, error: Exception) -> DiskError:
        reason = getattr(error, "strerror", None) or error
        return DiskError(f"{self._where} cannot be read: {reason}", path=self._where)


def _named_like_an_xva(name: str) -> bool:
    bare = name.lower()
    for wrapping in Wrapping:
        bare = bare.removesuffix(wrapping.value)
    return bare.endswith(".xva")


def _beginning(wrapping: Wrapping, head: bytes) -> bytes:
    plain = b""
    try:
        for part in unwrap(wrapping, _once(head)):
            plain += part[:BLOCK]
            if len(plain) >= BLOCK:
                break
    except FormatError:
        return b""
    return plain[:BLOCK]


def _once(head: bytes) -> Iterable[bytes]:
    # In small steps, so that only the beginning is unpacked.
    return (head[start : start + KIB] for start in range(0, len(head), KIB))
