"""The folder of small files that come along with a release, read whole.

Invariant: what is returned lay in the folder, all at one moment; a change to the folder meanwhile ends the reading.
"""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING

from dcdist.errors import DiskError, InputChangedError, UsageError
from dcdist.formats.manifest import METADATA_BYTES_LIMIT, METADATA_FILES_LIMIT, check_metadata_path
from dcdist.formats.names import DEPTH_LIMIT
from dcdist.model.release import MetadataFile
from dcdist.publishing.reading.file_stamp import FileStamp
from dcdist.publishing.reading.inside_folder import InsideFolder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def read_metadata(folder: Path | None) -> tuple[MetadataFile, ...]:
    """All files under `folder`, by path. Links to files are followed as long as they stay inside of it. Blocks.

    Raises:
        UsageError: A path cannot be used, a link leads outside of the folder or to a folder, something is not a file,
            or there are too many files or bytes for a manifest.
        InputChangedError: The folder or a file in it changed meanwhile.
        DiskError: They cannot be read.
    """
    if folder is None:
        return ()
    if not folder.is_dir():
        raise UsageError(f"metadata folder {folder} is not a folder")
    with _refusals(folder), InsideFolder(folder) as inside:
        before = _stamps(folder, inside)
        files: list[MetadataFile] = []
        left = METADATA_BYTES_LIMIT
        for name in before:
            check_metadata_path(name)
            files.append(_read(folder, inside, name, left + 1))
            left -= len(files[-1].content)
            if left < 0:
                raise _too_much(folder)
        _require_same(folder, before, _stamps_now(folder, inside, before))
    return tuple(files)


def _stamps(folder: Path, inside: InsideFolder) -> dict[str, FileStamp]:
    """All files by path, with their stamps."""
    names = inside.names(most=METADATA_FILES_LIMIT, depth=DEPTH_LIMIT)
    if len(names) > METADATA_FILES_LIMIT:
        raise _too_much(folder)
    return {name: _stamp(folder, inside, name) for name in names}


def _stamps_now(folder: Path, inside: InsideFolder, before: dict[str, FileStamp]) -> dict[str, FileStamp]:
    """The same later: what can no longer be opened as a file is left out."""
    found: dict[str, FileStamp] = {}
    for name in inside.names(most=METADATA_FILES_LIMIT, depth=DEPTH_LIMIT):
        try:
            found[name] = _stamp(folder, inside, name)
        except (UsageError, DiskError):
            if name not in before:
                raise
    return found


def _stamp(folder: Path, inside: InsideFolder, name: str) -> FileStamp:
    with _refusals(folder / name):
        try:
            with inside.opened(name) as descriptor:
                stamp = FileStamp.of(os.fstat(descriptor))
        except FileNotFoundError as error:
            raise UsageError(f"metadata file {folder / name} is not a file: it is a link to nothing") from error
    if stamp is None:
        raise UsageError(f"metadata file {folder / name} is not a file")
    return stamp


def _require_same(folder: Path, before: dict[str, FileStamp], after: dict[str, FileStamp]) -> None:
    """See that nothing changed.

    Raises:
        InputChangedError: A file did, or one came or went.
    """
    for name in sorted(before.keys() | after.keys()):
        what = before[name].change(after.get(name)) if name in before else "it is new"
        if what:
            raise _changed(folder / name, what)


def _read(folder: Path, inside: InsideFolder, name: str, most: int) -> MetadataFile:
    path = folder / name
    with _refusals(path):
        try:
            with inside.opened(name) as descriptor, open(descriptor, "rb", closefd=False) as file:
                executable = bool(os.fstat(descriptor).st_mode & stat.S_IXUSR)
                return MetadataFile(name, file.read(most), executable)
        except FileNotFoundError as error:
            raise _changed(path, "it was removed") from error


def _too_much(folder: Path) -> UsageError:
    return UsageError(
        f"metadata folder {folder} has more than {METADATA_FILES_LIMIT} files or {METADATA_BYTES_LIMIT} bytes: "
        "metadata is for small files; publish large ones as images"
    )


def _changed(path: Path, what: str) -> InputChangedError:
    message = f"metadata {path} changed while it was read: {what}; publish it when nothing writes to it"
    return InputChangedError(message, path=str(path))


@contextmanager
def _refusals(path: Path) -> Iterator[None]:
    """Name the file or folder that the system refuses."""
    try:
        yield
    except OSError as error:
        raise DiskError(f"metadata {path} cannot be read: {error.strerror or error}", path=str(path)) from error
