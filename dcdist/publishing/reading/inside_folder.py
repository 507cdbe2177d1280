"""Opens files below a folder and nothing else, though somebody may change names meanwhile. Everything here blocks.

Invariant: what is opened is a regular file that lies in the folder. Each part of a path is opened from the folder
before it and never through a link; links are read and resolved here, as long as they stay inside.
"""

from __future__ import annotations

import os
import stat
from collections import deque
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final, Self

from dcdist.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# A FIFO that takes a file's place at the last moment must not hold anybody up.
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_LINKS_LIMIT: Final = 40
"""Links on one path; the kernel has the same limit."""


class InsideFolder:
    """A folder, held open. Use it as a context. The folder itself may be named through links: its user chose it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._root = -1

    def __enter__(self) -> Self:
        """Open it.

        Raises:
            OSError: It cannot be opened, or is not a folder.
        """
        self._root = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._root)

    def names(self, *, most: int, depth: int) -> list[str]:
        """The paths of the files and links below it, in order. Of more than `most` it gives one too many, whichever.

        Raises:
            UsageError: A path has more than `depth` parts, or there are more than `most` folders.
            OSError: A folder cannot be read.
        """
        found: list[str] = []
        folders = [""]
        for base in folders:
            with self._open_folder(base) as folder, os.scandir(folder) as entries:
                for entry in entries:
                    path = f"{base}/{entry.name}" if base else entry.name
                    (folders if entry.is_dir(follow_symlinks=False) else found).append(path)
                    if path.count("/") >= depth or len(folders) > most + 1:
                        raise UsageError(
                            f"{self._folder / path}: metadata is nested deeper than {depth} folders, or there are over "
                            f"{most} folders"
                        )
                    if len(found) > most:
                        return sorted(found)
        return sorted(found)

    @contextmanager
    def opened(self, path: str) -> Iterator[int]:
        """A descriptor of the regular file at `path`.

        Raises:
            UsageError: It is not a regular file, or a link on the way leads outside of the folder.
            OSError: It cannot be opened.
        """
        with self._walked(path) as (folder, name):
            state = os.stat(name, dir_fd=folder, follow_symlinks=False)
            if not stat.S_ISREG(state.st_mode):
                raise UsageError(f"{self._folder / path} is not a file{_instead(state.st_mode)}")
            descriptor = os.open(name, _FILE, dir_fd=folder)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise UsageError(f"{self._folder / path} is not a file any more")
            yield descriptor
        finally:
            os.close(descriptor)

    @contextmanager
    def _open_folder(self, path: str) -> Iterator[int]:
        """A descriptor of the folder at `path`, to which no link may lead."""
        descriptor = os.open(".", _FOLDER, dir_fd=self._root)
        try:
            for part in filter(None, path.split("/")):
                outer, descriptor = descriptor, os.open(part, _FOLDER, dir_fd=descriptor)
                os.close(outer)
            yield descriptor
        finally:
            os.close(descriptor)

    @contextmanager
    def _walked(self, path: str) -> Iterator[tuple[int, str]]:
        """The open folder in which the last part of `path` lies, all links resolved, and that part's name there."""
        stack = [self._root]
        try:
            name = self._walk(path, stack)
            yield stack[-1], name
        finally:
            for descriptor in stack[1:]:
                with suppress(OSError):
                    os.close(descriptor)

    def _walk(self, path: str, stack: list[int]) -> str:
        """Open the folders on the way, each onto `stack`; returns the last name."""
        parts = deque(path.split("/"))
        links = 0
        while parts:
            part = parts.popleft()
            if part == "..":
                if len(stack) == 1:
                    raise self._outside(path)
                os.close(stack.pop())
            elif part not in {"", "."}:
                if (target := _target(part, stack[-1])) is not None:
                    links += 1
                    if target.startswith("/") or links > _LINKS_LIMIT:
                        raise self._outside(path)
                    parts.extendleft(reversed(target.split("/")))
                elif any(each not in {"", "."} for each in parts):
                    stack.append(os.open(part, _FOLDER, dir_fd=stack[-1]))
                else:
                    return part
        return "."

    def _outside(self, path: str) -> UsageError:
        return UsageError(
            f"{self._folder / path} is a symbolic link that leads outside of {self._folder}, or nowhere: what lies "
            "there is not published. Put a copy of the file into the folder, or link it relative to a file in it"
        )


def _target(name: str, folder: int) -> str | None:
    """Where a link leads; None if it is not a link."""
    if not stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
        return None
    return os.readlink(name, dir_fd=folder)


def _instead(mode: int) -> str:
    if stat.S_ISDIR(mode):
        return ": it is a link to a folder, which is not followed; copy the folder, or omit the link"
    return ": pipes, sockets and devices are not published as metadata"
