"""Somebody who may write to the folder of metadata tries to have other files of the publisher's machine published."""

from __future__ import annotations

import os
import socket
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from dcdist.errors import DiskError, UsageError
from dcdist.model.release import MetadataFile
from dcdist.publishing.reading import metadata_folder
from dcdist.publishing.reading.metadata_folder import read_metadata
from tests.support.commands import dcdist

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "secret").write_bytes(b"secret")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_bytes(b"secret")
    folder = tmp_path / "metadata"
    (folder / "plans").mkdir(parents=True)
    (folder / "plans" / "net").write_bytes(b"net")
    return folder


def link(target: str, at: str = "link") -> Callable[[Path], None]:
    return lambda folder: (folder / at).symlink_to(target)


def chain(folder: Path) -> None:
    (folder / "link").symlink_to("plans/further")
    (folder / "plans" / "further").symlink_to("../../secret")


def through_a_folder(folder: Path) -> None:
    (folder / "link").symlink_to("plans/out/secret")
    (folder / "plans" / "out").symlink_to("../../outside")


@pytest.mark.parametrize(
    "plant",
    [
        link("/etc/hostname"), link("../secret"), link("plans/../../secret"), link("../../secret", "plans/link"),
        link("plans/../../metadata/plans/net"), link("/proc/self/root/etc/hostname"), chain, through_a_folder,
        link("link"),
    ],
    ids=[
        "absolute", "beside", "by way of a folder", "from a folder", "out and in again", "proc", "a chain", "a folder",
        "itself",
    ],
)  # fmt: skip
def test_a_link_that_leads_outside_is_refused(folder: Path, plant: Callable[[Path], None]) -> None:
    plant(folder)

    with pytest.raises(UsageError, match=r"is a symbolic link that leads outside of .*copy of the file"):
        read_metadata(folder)


def test_a_link_that_stays_inside_is_followed(folder: Path) -> None:
    (folder / "latest").symlink_to("plans/net")
    (folder / "plans" / "up").symlink_to("../latest")
    (folder / "around").symlink_to("plans/../plans/./net")

    content = {file.path: file.content for file in read_metadata(folder)}
    assert content == {"around": b"net", "latest": b"net", "plans/net": b"net", "plans/up": b"net"}


def test_the_folder_itself_may_be_named_through_a_link(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "named").symlink_to(folder)

    assert read_metadata(tmp_path / "named") == (MetadataFile("plans/net", b"net"),)


@pytest.mark.parametrize("target", ["plans", ".", "plans/.."])
def test_a_link_to_a_folder_is_refused_and_not_left_out_in_silence(folder: Path, target: str) -> None:
    (folder / "link").symlink_to(target)

    with pytest.raises(UsageError, match="link is not a file: it is a link to a folder"):
        read_metadata(folder)


def fifo(path: Path) -> None:
    os.mkfifo(path)


def listening(path: Path) -> None:
    with closing(socket.socket(socket.AF_UNIX)) as sock:
        sock.bind(str(path))


@pytest.mark.parametrize("make", [fifo, listening])
@pytest.mark.parametrize("through", ["", "a link"])
def test_what_is_not_a_file_is_refused_and_nothing_waits(
    folder: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path], None], through: str
) -> None:
    monkeypatch.chdir(folder)
    make((folder / "special").relative_to(folder))
    if through:
        (folder / "a").symlink_to("special")

    with pytest.raises(UsageError, match="is not a file: pipes, sockets and devices"):
        read_metadata(folder)


def test_a_file_that_becomes_a_link_between_check_and_read_is_not_followed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def swap(_name: str) -> None:
        (folder / "plans" / "net").unlink()
        (folder / "plans" / "net").symlink_to("../../secret")

    monkeypatch.setattr(metadata_folder, "check_metadata_path", swap)
    with pytest.raises(UsageError, match="leads outside"):
        read_metadata(folder)


def test_a_folder_that_becomes_a_link_between_check_and_read_is_not_followed(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "outside" / "net").write_bytes(b"secret")

    def swap(_name: str) -> None:
        (folder / "plans").rename(tmp_path / "gone")
        (folder / "plans").symlink_to("../outside")

    monkeypatch.setattr(metadata_folder, "check_metadata_path", swap)
    with pytest.raises(UsageError, match="leads outside"):
        read_metadata(folder)


def test_a_swap_in_the_very_moment_of_opening_is_not_followed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.open

    def open_late(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if path == "net":
            (folder / "plans" / "net").unlink()
            (folder / "plans" / "net").symlink_to("../../secret")
        return real(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", open_late)
    with pytest.raises(DiskError, match=r"plans/net cannot be read"):
        read_metadata(folder)


def test_the_swap_for_a_pipe_in_that_moment_holds_nobody_up(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.open

    def open_late(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if path == "net":
            (folder / "plans" / "net").unlink()
            os.mkfifo(folder / "plans" / "net")
        return real(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", open_late)
    with pytest.raises(UsageError, match="is not a file any more"):
        read_metadata(folder)


def test_folders_without_end_are_refused(folder: Path) -> None:
    (folder / "/".join("d" * 17)).mkdir(parents=True)

    with pytest.raises(UsageError, match="nested deeper than 16 folders"):
        read_metadata(folder)


def test_many_folders_are_refused(folder: Path) -> None:
    for number in range(1002):
        (folder / str(number)).mkdir()

    with pytest.raises(UsageError, match="over 1000 folders"):
        read_metadata(folder)


def test_descriptors_do_not_stay_open(folder: Path) -> None:
    (folder / "link").symlink_to("../secret")
    before = len(os.listdir("/proc/self/fd"))

    with pytest.raises(UsageError):
        read_metadata(folder)
    (folder / "link").unlink()
    read_metadata(folder)
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_publish_refuses_such_a_link_and_names_it(folder: Path, tmp_path: Path) -> None:
    (folder / "name").symlink_to("/etc/hostname")
    (tmp_path / "a.img").write_bytes(b"a")
    assert dcdist("keygen", "--out", tmp_path / "keys").code == 0
    store = tmp_path / "store"

    done = dcdist(
        "publish", "a@1", tmp_path / "a.img", "--store", store.as_uri(), "--key", tmp_path / "keys" / "publisher.key",
        "--metadata", folder, "--json",
    )  # fmt: skip
    assert (done.code, done.last("error")["kind"]) == (2, "UsageError")
    assert f"{folder / 'name'} is a symbolic link that leads outside" in done.last("error")["message"]
    assert not store.exists()
