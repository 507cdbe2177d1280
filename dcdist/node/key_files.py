"""Publishers' keys as files: `publisher.key` (secret, mode 0600) and `publisher.pub`."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dcdist.disk.durable import create_file, open_folder, remove_file
from dcdist.disk.system_errors import refusals
from dcdist.errors import DiskError, FormatError, UsageError
from dcdist.formats.signature import PrivateKey, PublicKey
from dcdist.model.trouble import Troubled

if TYPE_CHECKING:
    from pathlib import Path

_LIMIT = 1 << 16
"""The most bytes of a key file."""


@dataclass(frozen=True, slots=True)
class KeyFiles:
    """A new key pair: its two files, and its identity (16 hex digits)."""

    key: Path
    public: Path
    identity: str


def generate_keys(folder: Path) -> KeyFiles:
    """Make a key pair in `folder`, which is created if missing.

    Raises:
        UsageError: One of the files exists; keys are never overwritten.
        DiskError: They cannot be written; neither is there then.
    """
    key = PrivateKey.generate()
    files = KeyFiles(folder / "publisher.key", folder / "publisher.pub", key.public.identity)
    secret, public = key.to_pem().encode(), key.public.to_pem().encode()
    with refusals(folder, "write the keys to", needed=lambda: len(secret) + len(public)):
        folder.mkdir(parents=True, exist_ok=True)
        for path in (files.key, files.public):
            if os.path.lexists(path):
                raise _exists(path)
        with open_folder(folder) as opened:
            _create(opened, files.key, secret, 0o600)
            try:
                _create(opened, files.public, public, 0o644)
            except BaseException:
                # Alone it would be in the way of the next try.
                remove_file(opened, files.key.name)
                raise
    return files


def read_private_key(path: Path) -> PrivateKey:
    """The private key in a PEM file, as `dcdist keygen` writes it.

    Raises:
        FormatError: It is not one.
        UsageError: There is no such file, or it may not be read.
        DiskError: It cannot be read.
    """
    try:
        return PrivateKey.from_pem(read_key_file(path))
    except FormatError as error:
        raise FormatError(f"{path}: {error}") from error


def exposed_key(path: Path) -> Troubled | None:
    """What to tell of a private key that others than its owner may use; None if none may."""
    try:
        status = path.stat()
    except OSError:
        return None
    if not stat.S_ISREG(status.st_mode) or not status.st_mode & 0o077:
        return None
    return Troubled(
        f"the private key {path} has mode {stat.S_IMODE(status.st_mode):04o}: whoever reads it can sign what hosts "
        f"trust; to close it: chmod 600 {path}",
        source=str(path),
    )


def read_public_key(path: Path) -> PublicKey:
    """The public key in a PEM file, as `dcdist keygen` writes it.

    Raises:
        FormatError: It is not one.
        UsageError: There is no such file, or it may not be read.
        DiskError: It cannot be read.
    """
    return public_key(read_key_file(path), path)


def public_key(written: bytes, path: Path) -> PublicKey:
    """The public key that was read from `path`.

    Raises:
        FormatError: It is not one.
    """
    try:
        return PublicKey.from_pem(written)
    except FormatError as error:
        raise FormatError(f"{path}: {error}") from error


def read_key_file(path: Path) -> bytes:
    """What a file of a key holds, of any kind of file: a pipe too, which is read to its end. Blocks.

    Raises:
        UsageError: There is no such file, or it may not be read.
        DiskError: It cannot be read.
    """
    try:
        with path.open("rb") as file:
            return file.read(_LIMIT)
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError, PermissionError) as error:
        raise UsageError(f"key {path} cannot be read: {error.strerror}") from error
    except OSError as error:
        raise DiskError(f"key {path} cannot be read: {error.strerror}", path=str(path)) from error


def _create(folder: int, path: Path, data: bytes, mode: int) -> None:
    try:
        create_file(folder, path.name, data, mode=mode)
    except FileExistsError as error:
        raise _exists(path) from error


def _exists(path: Path) -> UsageError:
    return UsageError(f"{path} exists and is never overwritten, since hosts may trust it: choose another folder")
