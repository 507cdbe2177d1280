"""The way to a folder, from `/` down: whether other users could put something else in its place. All calls block.

Invariant: links are followed as the system does, and each folder and link on the way is looked at, as sshd does for
`authorized_keys`. In a sticky folder, such as `/tmp`, nobody renames or removes what is another's.
"""

from __future__ import annotations

import os
import shlex
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dcdist.disk.other_users import has_access_list, is_ours, who_else_writes

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

_LINKS = 40
"""Links that the system follows in one path."""


@dataclass(frozen=True, slots=True)
class Exposure:
    """A folder or link that others own or may write to: `place`, who, in words, and whether they own it.

    `is_last`: the way ends there. `sticky`: nobody else can rename or remove what is in it.
    """

    place: Path
    who: str
    owned: bool
    is_last: bool
    sticky: bool = False

    def command(self, *, with_content: bool = False) -> str:
        """The command that ends it; empty if none does without harm.

        The folder of another user that leads on, such as a home, stays that user's. `with_content`: where the way ends,
        the command is for all that is in the folder too.
        """
        place, deep = shlex.quote(str(self.place)), with_content and self.is_last
        if self.sticky or (self.owned and not self.is_last):
            return ""
        if self.owned:
            return f"chown -h{'R' if deep else ''} {os.geteuid()} {place}"
        return f"chmod {'-R ' if deep else ''}go-w {place}"

    @property
    def remedy(self) -> str:
        """What ends it, as an order."""
        if self.sticky:
            return f"use a folder in it, such as {self.place / 'dcdist'}"
        return self.command() or "use another folder, or run dcdist as its owner"


def exposure_of(path: Path, *, own: Collection[int] = ()) -> Exposure | None:
    """The first part of the way to a folder, itself included, that others own or may write to; None if there is none.

    The way ends where nothing exists yet. `own`: more user ids that count as this user.

    Raises:
        OSError: The system refused.
    """
    for place, status, is_last in _way(path.absolute()):
        is_owned = is_ours(status) or status.st_uid in own
        keeps_names = stat.S_ISLNK(status.st_mode) or (status.st_mode & stat.S_ISVTX and not is_last)
        if is_owned and keeps_names:
            continue
        who = who_else_writes(status, own=own, has_list=has_access_list(str(place)))
        if who:
            sticky = is_owned and bool(status.st_mode & stat.S_ISVTX)
            return Exposure(place, who, owned=not is_owned, is_last=is_last, sticky=sticky)
    return None


def _way(path: Path) -> Iterator[tuple[Path, os.stat_result, bool]]:
    """Every folder and link that leads to `path`, as far as it exists, and whether it is the last."""
    parts, place, links = list(reversed(path.parts[1:])), Path("/"), 0
    yield place, os.lstat(place), not parts
    while parts:
        part = parts.pop()
        if part == "..":
            place = place.parent
            continue
        place = place / part
        try:
            status = os.lstat(place)
        except FileNotFoundError:
            return
        is_link = stat.S_ISLNK(status.st_mode)
        yield place, status, not parts and not is_link
        if is_link:
            links += 1
            if links > _LINKS:
                return  # who opens it is told
            target = Path(os.readlink(place))
            place = Path("/") if target.is_absolute() else place.parent
            parts.extend(reversed(target.parts[1:] if target.is_absolute() else target.parts))
