"""Metadata files: under `metadata/` of the destination, whole or absent. Invariant: no symbolic link is followed."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from typing import TYPE_CHECKING

from dcdist.disk.durable import open_folder, read_file, replace_file
from dcdist.disk.own_file import OwnFiles
from dcdist.disk.places import parent_of, status_at
from dcdist.disk.private_folder import make_folders
from dcdist.disk.shared_modes import file_mode, folder_mode, give_to_group, group_of
from dcdist.disk.system_errors import refusals
from dcdist.errors import DiskError
from dcdist.folder_sync import sync_folder
from dcdist.formats.names import METADATA_FOLDER

if TYPE_CHECKING:
    from pathlib import Path

    from dcdist.model.release import MetadataFile

_TAKEN = OwnFiles()


def write_metadata(destination: Path, file: MetadataFile) -> None:
    """Write one file; its path is relative to `metadata/`; who may read the folder may read it. Blocks.

    Raises:
        DiskError: The path would leave the folder, or the disk refused.
    """
    parts = file.path.split("/")
    if any(part in {"", ".", ".."} or "\0" in part for part in parts):
        raise DiskError(f"metadata path {file.path!r} is not inside the metadata folder", path=str(destination))
    with refusals(destination / METADATA_FOLDER / file.path, "write", needed=lambda: len(file.content)):
        make_folders(destination)
        with open_folder(destination) as folder:
            _write(folder, [METADATA_FOLDER, *parts], file)


def is_in_place(destination: Path, path: str, file: MetadataFile, ownership: OwnFiles = _TAKEN) -> bool:
    """Whether the file at `path` of the destination has the content, and may be run if it should. Blocks.

    One that `ownership` calls a stranger's is not taken.

    Raises:
        DiskError: It cannot be read.
    """
    status = status_at(destination, path)
    if status is None or not stat.S_ISREG(status.st_mode) or status.st_size != len(file.content):
        return False
    if ownership.stranger(status):
        return False
    if bool(status.st_mode & stat.S_IXUSR) is not file.executable:
        return False
    with refusals(destination / path, "read"), parent_of(destination, path) as (folder, name):
        return read_file(folder, name, limit=len(file.content) + 1) == file.content


def _write(folder: int, parts: list[str], file: MetadataFile) -> None:
    name, *rest = parts
    if not rest:
        mode = file_mode(folder, executable=file.executable)
        replace_file(folder, name, file.content, mode=mode, group=group_of(folder))
        return
    with suppress(FileExistsError):
        os.mkdir(name, folder_mode(folder), dir_fd=folder)
        with open_folder(name, inside=folder) as made:
            give_to_group(made, folder)
        sync_folder(folder)
    with open_folder(name, inside=folder) as inner:
        _write(inner, rest, file)
