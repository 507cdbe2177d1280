"""Lets a group read the layers of a cache, and write nothing. All calls block.

Invariant: only what is this user's own, and what nobody else could have put there, is opened to the group.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from typing import TYPE_CHECKING

from dcdist.disk.durable import is_taken, open_folder
from dcdist.disk.other_users import who_else_writes
from dcdist.disk.piece_journal import DATA
from dcdist.model.identity import is_hex_128
from dcdist.ports.layers import LAYERS_FOLDER

if TYPE_CHECKING:
    from pathlib import Path

_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def let_group_read(cache: Path, group: int) -> list[Path]:
    """Give the group with this id the right to read what seeding needs; the paths of the layers' data that are there.

    What is not this user's, or may be written by others, stays as it is.

    Raises:
        OSError: The system refused.
    """
    data = []
    with open_folder(cache) as folder, suppress(FileNotFoundError), open_folder(LAYERS_FOLDER, inside=folder) as layers:
        if not (_open_to(group, folder, 0o050) and _open_to(group, layers, 0o050)):
            return [cache / LAYERS_FOLDER]
        for name in sorted(filter(is_hex_128, os.listdir(layers))):
            with suppress(FileNotFoundError), open_folder(name, inside=layers) as layer:
                if not is_taken(layer, DATA):
                    continue  # a fetch ended before it began with this layer
                data.append(cache / LAYERS_FOLDER / name / DATA)
                if _open_to(group, layer, 0o050):
                    descriptor = os.open(DATA, _FILE, dir_fd=layer)
                    try:
                        _open_to(group, descriptor, 0o040)
                    finally:
                        os.close(descriptor)
    return data


def _open_to(group: int, descriptor: int, rights: int) -> bool:
    """Give the group these rights, and no other, if it is safe; whether it was."""
    status = os.fstat(descriptor)
    is_file = stat.S_ISREG(status.st_mode)
    if status.st_uid != os.geteuid() or who_else_writes(status):
        return False
    # Another name of a file may be of one that matters, put there before others lost the right to write.
    if not (is_file and status.st_nlink == 1) and not stat.S_ISDIR(status.st_mode):
        return False
    os.fchown(descriptor, -1, group)
    os.fchmod(descriptor, stat.S_IMODE(status.st_mode) & ~0o070 | rights)
    return True
