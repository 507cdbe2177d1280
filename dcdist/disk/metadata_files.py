"""Metadata files: under `metadata/` of the destination, whole or absent. Invariant: no symbolic link is followed."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from dcdist.disk.durable import open_folder, replace_file
from dcdist.disk.system_errors import refusals
from dcdist.errors import DiskError
from dcdist.folder_sync import sync_folder

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = "metadata"


def write_metadata(destination: Path, path: str, content: bytes, mode: int) -> None:
    """Write one file; `path` is relative to `metadata/`, with `/`; the umask applies to `mode`. Blocks.

    Raises:
        DiskError: The path would leave the folder, or the disk refused.
    """
    parts = path.split("/")
    if any(part in {"", ".", ".."} or "\0" in part for part in parts):
        raise DiskError(f"metadata path {path!r} is not inside the metadata folder", path=str(destination))
    with refusals(destination / FOLDER / path, "write", needed=lambda: len(content)):
        destination.mkdir(parents=True, exist_ok=True)
        with open_folder(destination) as folder:
            _write(folder, [FOLDER, *parts], content, mode)


def _write(folder: int, parts: list[str], content: bytes, mode: int) -> None:
    name, *rest = parts
    if not rest:
        replace_file(folder, name, content, mode=mode)
        return
    with suppress(FileExistsError):
        os.mkdir(name, dir_fd=folder)
        sync_folder(folder)
    with open_folder(name, inside=folder) as inner:
        _write(inner, rest, content, mode)
