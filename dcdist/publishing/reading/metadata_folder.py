"""The folder of small files that come along with a release, read whole."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from dcdist.errors import DiskError, UsageError
from dcdist.formats.manifest import METADATA_BYTES_LIMIT, METADATA_FILES_LIMIT, check_metadata_path
from dcdist.model.release import MetadataFile

if TYPE_CHECKING:
    from collections.abc import Iterator


def read_metadata(folder: Path | None) -> tuple[MetadataFile, ...]:
    """All files under `folder`, by path. Links to files are followed, links to folders are not. Blocks.

    Raises:
        UsageError: A path cannot be used, or there are too many files or bytes for a manifest.
        DiskError: They cannot be read.
    """
    if folder is None:
        return ()
    if not folder.is_dir():
        raise UsageError(f"metadata folder {folder} is not a folder")
    files: list[MetadataFile] = []
    left = METADATA_BYTES_LIMIT
    for path in sorted(_files(folder)):
        name = path.relative_to(folder).as_posix()
        check_metadata_path(name)
        content = _read(path, left + 1)
        left -= len(content)
        files.append(MetadataFile(name, content))
        if left < 0 or len(files) > METADATA_FILES_LIMIT:
            raise UsageError(
                f"metadata folder {folder} has more than {METADATA_FILES_LIMIT} files or {METADATA_BYTES_LIMIT} bytes: "
                "metadata is for small files; publish large ones as images"
            )
    return tuple(files)


def _files(folder: Path) -> Iterator[Path]:
    def refuse(error: OSError) -> None:
        raise _broken(Path(error.filename or folder), error) from error

    for parent, folders, names in os.walk(folder, onerror=refuse):
        folders.sort()
        yield from (Path(parent, name) for name in names)


def _read(path: Path, most: int) -> bytes:
    try:
        if not path.is_file():
            raise UsageError(f"metadata file {path} is not a file")
        with path.open("rb") as file:
            return file.read(most)
    except OSError as error:
        raise _broken(path, error) from error


def _broken(path: Path, error: OSError) -> DiskError:
    return DiskError(f"metadata {path} cannot be read: {error.strerror or error}", path=str(path))
