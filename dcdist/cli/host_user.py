"""A user of this host whom a process of root can become, for good.

Invariant: once it is that user, no thread of the process has a capability or an id of root, or gets one back.
"""

from __future__ import annotations

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

from dcdist.cli.own_process import gain_no_privileges, leave_no_core

READ, WRITE, ENTER = 4, 2, 1
"""Rights, as in one digit of a mode."""


@dataclass(frozen=True, slots=True)
class HostUser:
    """One user: its ids, and those of all its groups."""

    name: str
    uid: int
    gid: int
    groups: frozenset[int]

    @classmethod
    def named(cls, name: str) -> HostUser | None:
        """The user of that name; None if this host has none."""
        try:
            found = pwd.getpwnam(name)
        except (KeyError, ValueError):
            return None
        return cls(name, found.pw_uid, found.pw_gid, frozenset(os.getgrouplist(name, found.pw_gid)))

    def may(self, status: os.stat_result, rights: int) -> bool:
        """Whether owner, group and mode give these rights to what has this status."""
        if status.st_uid == self.uid:
            given = status.st_mode >> 6
        else:
            given = status.st_mode >> 3 if status.st_gid in self.groups else status.st_mode
        return given & rights == rights

    def barred_from(self, path: Path, rights: int) -> str:
        """What keeps this user from having these rights at `path`, in words; empty if nothing does. Blocks."""
        real = Path(os.path.realpath(path))
        for place in (*reversed(real.parents), real):
            wanted = rights if place == real else ENTER
            try:
                status = place.stat()
            except OSError as error:
                return f"{place}: {error.strerror}"
            if not self.may(status, wanted):
                doing = "write to" if wanted & WRITE else "read"
                return f"{self.name} may not {doing} {place} (mode {stat.S_IMODE(status.st_mode):04o})"
        return ""

    def become(self) -> None:
        """Make the process this user's, with all its threads; the C library sees to that (nptl(7)).

        Raises:
            OSError: The system refused.
        """
        os.setgroups(sorted(self.groups))
        os.setresgid(self.gid, self.gid, self.gid)
        os.setresuid(self.uid, self.uid, self.uid)
        # The kernel forgets the first of these when a user changes, and the second may be new.
        leave_no_core()
        gain_no_privileges()
