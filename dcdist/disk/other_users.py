"""What other users of this host may do with a file or a folder, by its owner and mode.

This user, root and the owner of `/` may do everything anyway. A group counts as others, unless nobody but its user is
in it: with umask 002 all that a user makes may be written by a group of that kind.
"""

from __future__ import annotations

import grp
import os
import pwd
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection


def is_ours(status: os.stat_result) -> bool:
    """Whether this user, root or the owner of `/` owns it. Where a user namespace hides root, `/` shows its number."""
    return status.st_uid in {os.geteuid(), 0, os.stat("/").st_uid}


def who_else_writes(status: os.stat_result, *, own: Collection[int] = (), has_list: bool = False) -> str:
    """Who else may write to what has this status, in words; empty if nobody.

    `own` are more user ids that count as this user; `has_list`: an access control list may name users.
    """
    mode = f"(mode {stat.S_IMODE(status.st_mode):04o})"
    if not is_ours(status) and status.st_uid not in own:
        return f"it belongs to {_user(status.st_uid)}"
    if status.st_mode & stat.S_IWOTH:
        return f"all users may write to it {mode}"
    if status.st_mode & stat.S_IWGRP and (has_list or not _has_no_others(status.st_gid)):
        return f"{_group(status.st_gid)} may write to it {mode}"
    return ""


def rights_to_take(status: os.stat_result) -> int:
    """The rights that others lose on what only this user is to have: all of them.

    A group that is not this process's own was given them on purpose, as that of a seeder that gave up root (ADR 31):
    it goes on reading.
    """
    return 0o077 if status.st_gid == os.getegid() else 0o027


def is_private(status: os.stat_result) -> bool:
    """Whether it is a plain file of this user with one name, which nobody else may open."""
    own = status.st_uid == os.geteuid() and status.st_nlink == 1
    return own and stat.S_ISREG(status.st_mode) and not status.st_mode & 0o077


def has_access_list(path: str | int) -> bool:
    """Whether an access control list may give rights to users beside owner and group."""
    try:
        os.getxattr(path, "system.posix_acl_access", follow_symlinks=not isinstance(path, str))
    except OSError:
        return False
    return True


def _has_no_others(gid: int) -> bool:
    """Whether a group is the one of this user, or of root, and has no other members.

    One that the system does not know is given to single containers, as the group of their volumes.
    """
    try:
        group = grp.getgrgid(gid)
    except KeyError:
        return gid in {os.getegid(), *os.getgroups()}
    names = {_name(os.geteuid()), _name(0)} - {""}
    return group.gr_name in names and set(group.gr_mem) <= names


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return ""


def _user(uid: int) -> str:
    name = _name(uid)
    return f"user {name} ({uid})" if name else f"user {uid}"


def _group(gid: int) -> str:
    try:
        return f"group {grp.getgrgid(gid).gr_name} ({gid})"
    except KeyError:
        return f"group {gid}"
