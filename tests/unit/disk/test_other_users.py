"""Who counts as another user, by owner and mode."""

from __future__ import annotations

import grp
import os
import pwd
import stat

import pytest

from dcdist.disk.other_users import is_private, who_else_writes

US, ANOTHER = 1000, 1001


def status(mode: int, uid: int = US, gid: int = US, *, names: int = 1) -> os.stat_result:
    return os.stat_result((mode, 7, 1, names, uid, gid, 0, 0, 0, 0))


def group(name: str, gid: int, *members: str) -> grp.struct_group:
    return grp.struct_group((name, "x", gid, list(members)))


@pytest.fixture(autouse=True)
def _users(monkeypatch: pytest.MonkeyPatch) -> None:
    """Alice is this user, with a group of her own; bob is another; staff has both."""
    users = {0: "root", US: "alice", ANOTHER: "bob"}
    groups = {0: group("root", 0), US: group("alice", US), 50: group("staff", 50, "alice", "bob")}
    monkeypatch.setattr(os, "geteuid", lambda: US)
    monkeypatch.setattr(os, "getgroups", lambda: [US, 50, 4242])
    monkeypatch.setattr(pwd, "getpwuid", lambda uid: pwd.struct_passwd((users[uid], "x", uid, uid, "", "/", "")))
    monkeypatch.setattr(grp, "getgrgid", lambda gid: groups[gid])


@pytest.mark.parametrize(
    ("mode", "uid", "gid"),
    [
        (0o755, US, US),
        (0o755, 0, 0),
        (0o775, US, US),  # umask 002: a group of this user alone
        (0o775, 0, 0),
        (0o2775, 0, 4242),  # the group of a container's volume
    ],
)
def test_what_only_this_user_and_root_may_write_is_written_by_nobody_else(mode: int, uid: int, gid: int) -> None:
    assert who_else_writes(status(stat.S_IFDIR | mode, uid, gid)) == ""


@pytest.mark.parametrize(
    ("mode", "uid", "gid", "told"),
    [
        (0o700, ANOTHER, US, "it belongs to user bob (1001)"),
        (0o777, US, US, "all users may write to it (mode 0777)"),
        (0o1777, 0, 0, "all users may write to it (mode 1777)"),
        (0o775, US, 50, "group staff (50) may write to it (mode 0775)"),
        (0o775, US, 4243, "group 4243 may write to it (mode 0775)"),
    ],
)
def test_who_else_may_write_is_named(monkeypatch: pytest.MonkeyPatch, mode: int, uid: int, gid: int, told: str) -> None:
    assert who_else_writes(status(stat.S_IFDIR | mode, uid, gid)) == told


def test_a_group_of_this_users_name_with_others_in_it_is_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grp, "getgrgid", lambda gid: group("alice", gid, "bob"))
    assert who_else_writes(status(stat.S_IFDIR | 0o775)) == "group alice (1000) may write to it (mode 0775)"


def test_where_an_access_list_may_name_users_no_group_counts_as_this_users() -> None:
    told = "group alice (1000) may write to it (mode 0775)"
    assert who_else_writes(status(stat.S_IFDIR | 0o775), has_list=True) == told
    assert who_else_writes(status(stat.S_IFDIR | 0o755), has_list=True) == ""


def test_the_owner_that_a_mount_gives_to_this_users_files_counts_as_this_user() -> None:
    assert who_else_writes(status(stat.S_IFREG | 0o644, ANOTHER), own={ANOTHER}) == ""


@pytest.mark.parametrize(
    ("mode", "uid", "names", "private"),
    [
        (stat.S_IFREG | 0o600, US, 1, True),
        (stat.S_IFREG | 0o640, US, 1, False),
        (stat.S_IFREG | 0o604, US, 1, False),
        (stat.S_IFREG | 0o600, ANOTHER, 1, False),
        (stat.S_IFREG | 0o600, 0, 1, False),
        (stat.S_IFREG | 0o600, US, 2, False),
        (stat.S_IFIFO | 0o600, US, 1, False),
    ],
)
def test_a_file_is_private_if_no_other_user_can_have_it_open(mode: int, uid: int, names: int, private: bool) -> None:
    assert is_private(status(mode, uid, names=names)) is private
