"""An image as it comes from a file or a pipe: opened, unpacked if it is a wrapped XVA, and verified while it is read.

All of this blocks: run it in threads. Invariant: an image whose last part was given is intact; a damaged one raises.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from dcdist.errors import FormatError, InputChangedError, InvariantError, XvaError
from dcdist.formats.file_kind import kind_of
from dcdist.formats.ova import OVA
from dcdist.formats.tar import BLOCK
from dcdist.formats.wrapping import Wrapping, bare_name, unwrap, wrapping_of
from dcdist.formats.xva import Content, Part, XvaReader, begins_like_an_xva
from dcdist.model.geometry import KIB, MIB
from dcdist.model.identity import Digest
from dcdist.publishing.reading.input_file import InputFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dcdist.formats.file_kind import FileKind
    from dcdist.publishing.publish_request import ImageSource

BATCH: Final = 4 * MIB
"""Plain bytes that are handed on at once, about."""

# By then the first block of a zstd or gzip stream gives plain bytes.
_HEAD: Final = 256 * KIB


class ImageInput:
    """One image. Its bytes come once, in order."""

    def __init__(self, source: ImageSource) -> None:
        self._file = InputFile(source)
        self._digest = hashlib.sha256()
        self._head = b""
        self._wrapping = Wrapping.NONE
        self._reader: XvaReader | None = None
        self._batches = self._read_batches()
        self.name = source.name
        """Its name in the release; final once it is open."""
        self.kind: FileKind | None = None
        """What it looks like if it is not read as an XVA; None if unknown."""
        self.plain = 0
        """Plain bytes given so far."""

    def open(self, *, allow_empty: bool = False) -> None:
        """Read its beginning, to see what it is. A file is then closed until its turn comes: there may be many.

        Raises:
            XvaError: It is named like an XVA and does not begin like one.
            InputChangedError: It changed meanwhile.
            DiskError: It cannot be read.
            FormatError: It is empty, and `allow_empty` is not set.
            UsageError: There is nothing to open.
        """
        head = self._file.beginning(_HEAD)
        if self.size is None:
            self._head = head
        wrapping = wrapping_of(head)
        if begins_like_an_xva(_beginning(wrapping, head)):
            self.name = bare_name(self.name)
            self._wrapping, self._reader = wrapping, XvaReader()
        elif bare_name(self.name).lower().endswith(".xva"):
            raise self._no_xva(wrapping, head)
        elif not head and not allow_empty:
            raise FormatError(f"{self._file.where} is empty{self._advice_on_empty} --allow-empty publishes it as it is")
        else:
            self.kind = kind_of(head)

    @property
    def is_xva(self) -> bool:
        """Whether it is read, and verified, as an XVA."""
        return self._reader is not None

    @property
    def size(self) -> int | None:
        """Bytes of the file; None for a pipe."""
        return self._file.size

    @property
    def read(self) -> int:
        """Bytes taken from the file so far."""
        return self._file.read

    @property
    def digest(self) -> Digest:
        """The SHA-256 of the plain bytes given so far."""
        return Digest(self._digest.digest())

    def batch(self) -> list[Part]:
        """The next few MiB; empty at the end.

        Raises:
            XvaError: It is a damaged XVA.
            InputChangedError: It changed since it was opened.
            DiskError: It cannot be read.
        """
        return next(self._batches, [])

    def stop(self) -> None:
        """Make a `batch` that waits for a pipe in another thread return soon."""
        self._file.stop()

    def close(self) -> None:
        """Close the file, unless it was given open."""
        self._file.close()

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
            yield from _verified(self._reader, self._wrapping, self._raw())
        except InputChangedError:
            raise
        except FormatError as error:
            raise self._invalid(error, self._reader.member) from error

    def _raw(self) -> Iterator[bytes]:
        if self._head:
            yield self._head
            self._head = b""
        yield from self._file.rest()

    def _no_xva(self, wrapping: Wrapping, head: bytes) -> XvaError:
        """Why a file that is named like an XVA is not one."""
        if not head:
            return self._invalid(f"it is empty{self._advice_on_empty}", OVA)
        plain = _beginning(wrapping, head)
        if kind := kind_of(head if wrapping is Wrapping.NONE else plain):
            inside = "" if wrapping is Wrapping.NONE else f" inside {wrapping.value}"
            unpack = "; only gzip and zstd are unpacked here: unpack it first" if kind.compressed else ""
            return self._invalid(f"it looks like {kind.words}{inside}{unpack}", OVA)
        reader = XvaReader()
        try:
            for _ in _verified(reader, wrapping, [head]):
                pass
        except FormatError as error:
            return self._invalid(error, reader.member)
        raise InvariantError(f"{self._file.where} is an XVA that does not begin like one")

    def _invalid(self, why: FormatError | str, member: str) -> XvaError:
        place = "" if isinstance(why, XvaError | str) else f"{member}: "
        member = why.member if isinstance(why, XvaError) else member
        return XvaError(f"{self._file.where} is not a valid XVA: {place}{why}", member=member)

    @property
    def _advice_on_empty(self) -> str:
        if self._file.is_device:
            return ": nothing came from that device."
        if self._file.is_pipe:
            return ": nothing came through the pipe. Did the command before the pipe fail?"
        return ". Did the command that wrote it fail?"


def _verified(reader: XvaReader, wrapping: Wrapping, raw: Iterable[bytes]) -> Iterator[Part]:
    for data in unwrap(wrapping, raw):
        yield from reader.receive(data)
    reader.finish()


def _beginning(wrapping: Wrapping, head: bytes) -> bytes:
    plain = b""
    try:
        for part in unwrap(wrapping, _in_steps(head)):
            plain += part[:BLOCK]
            if len(plain) >= BLOCK:
                break
    except FormatError:
        pass
    return plain[:BLOCK]


def _in_steps(head: bytes) -> Iterable[bytes]:
    # Small, so that only the beginning is unpacked.
    return (head[start : start + KIB] for start in range(0, len(head), KIB))
