"""The folder of small files that come along with a release, read whole.

Invariant: what is returned was all there at one moment; a change to the folder meanwhile ends the reading.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from dcdist.errors import DiskError, InputChangedError, UsageError
from dcdist.formats.manifest import METADATA_BYTES_LIMIT, METADATA_FILES_LIMIT, check_metadata_path
from dcdist.model.release import MetadataFile
from dcdist.publishing.reading.file_stamp import FileStamp

if TYPE_CHECKING:
    from collections.abc import Iterator


def read_metadata(folder: Path | None) -> tuple[MetadataFile, ...]:
    """All files under `folder`, by path. Links to files are followed, links to folders are not. Blocks.

    Raises:
        UsageError: A path cannot be used, or there are too many files or bytes for a manifest.
        InputChangedError: The folder or a file in it changed meanwhile.
        DiskError: They cannot be read.
    """
    if folder is None:
        return ()
    if not folder.is_dir():
        raise UsageError(f"metadata folder {folder} is not a folder")
    before = _stamps(folder)
    files: list[MetadataFile] = []
    left = METADATA_BYTES_LIMIT
    for path in before:
        name = path.relative_to(folder).as_posix()
        check_metadata_path(name)
        files.append(_read(name, path, left + 1))
        left -= len(files[-1].content)
        if left < 0 or len(files) > METADATA_FILES_LIMIT:
            raise UsageError(
                f"metadata folder {folder} has more than {METADATA_FILES_LIMIT} files or {METADATA_BYTES_LIMIT} bytes: "
                "metadata is for small files; publish large ones as images"
            )
    _require_same(before, _stamps(folder))
    return tuple(files)


def _stamps(folder: Path) -> dict[Path, FileStamp]:
    """All files by path, with their stamps."""
    return {path: _stamp(path) for path in sorted(_files(folder))}


def _stamp(path: Path) -> FileStamp:
    try:
        stamp = FileStamp.of(path.stat()) if path.exists() else None
    except OSError as error:
        raise _broken(path, error) from error
    if stamp is None:
        raise UsageError(f"metadata file {path} is not a file")
    return stamp


def _require_same(before: dict[Path, FileStamp], after: dict[Path, FileStamp]) -> None:
    """See that nothing changed.

    Raises:
        InputChangedError: A file did, or one came or went.
    """
    for path in sorted(before.keys() | after.keys()):
        what = before[path].change(after.get(path)) if path in before else "it is new"
        if what:
            raise _changed(path, what)


def _files(folder: Path) -> Iterator[Path]:
    def refuse(error: OSError) -> None:
        raise _broken(Path(error.filename or folder), error) from error

    for parent, folders, names in os.walk(folder, onerror=refuse):
        folders.sort()
        yield from (Path(parent, name) for name in names)


def _read(name: str, path: Path, most: int) -> MetadataFile:
    try:
        with path.open("rb") as file:
            executable = bool(os.fstat(file.fileno()).st_mode & stat.S_IXUSR)
            return MetadataFile(name, file.read(most), executable)
    except FileNotFoundError as error:
        raise _changed(path, "it was removed") from error
    except OSError as error:
        raise _broken(path, error) from error


def _changed(path: Path, what: str) -> InputChangedError:
    message = f"metadata {path} changed while it was read: {what}; publish it when nothing writes to it"
    return InputChangedError(message, path=str(path))


def _broken(path: Path, error: OSError) -> DiskError:
    return DiskError(f"metadata {path} cannot be read: {error.strerror or error}", path=str(path))
