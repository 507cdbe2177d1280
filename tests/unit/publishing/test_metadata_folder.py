"""Which metadata files a release takes along."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from dcdist.errors import DiskError, InputChangedError, UsageError
from dcdist.model.release import MetadataFile
from dcdist.publishing.reading import metadata_folder
from dcdist.publishing.reading.metadata_folder import read_metadata

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_without_a_folder_there_are_none() -> None:
    assert read_metadata(None) == ()


def test_files_come_by_path_with_their_folders_and_through_links(tmp_path: Path) -> None:
    (tmp_path / "b").write_bytes(b"1")
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "z").write_bytes(b"2")
    (tmp_path / "c").symlink_to("b")
    (tmp_path / "empty").mkdir()

    assert read_metadata(tmp_path) == (MetadataFile("a/z", b"2"), MetadataFile("b", b"1"), MetadataFile("c", b"1"))


def test_a_file_that_its_owner_may_run_is_executable(tmp_path: Path) -> None:
    for name, mode in (("a", 0o755), ("b", 0o644), ("c", 0o700), ("d", 0o055)):
        (tmp_path / name).write_bytes(b"")
        (tmp_path / name).chmod(mode)

    assert [file.executable for file in read_metadata(tmp_path)] == [True, False, True, False]


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")

    for path in (tmp_path / "file", tmp_path / "missing"):
        with pytest.raises(UsageError, match="is not a folder"):
            read_metadata(path)


def test_a_name_that_hosts_could_not_write_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a\nb").write_bytes(b"")

    with pytest.raises(UsageError, match="control character"):
        read_metadata(tmp_path)


def test_more_bytes_than_a_manifest_takes_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(bytes(4 << 20))
    assert len(read_metadata(tmp_path)[0].content) == 4 << 20
    (tmp_path / "b").write_bytes(b"1")

    with pytest.raises(UsageError, match="metadata is for small files; publish large ones as images"):
        read_metadata(tmp_path)


def test_more_files_than_a_manifest_takes_are_refused(tmp_path: Path) -> None:
    for number in range(1001):
        (tmp_path / str(number)).write_bytes(b"")

    with pytest.raises(UsageError, match="more than 1000 files"):
        read_metadata(tmp_path)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "broken").symlink_to("nowhere")
    with pytest.raises(UsageError, match="broken is not a file"):
        read_metadata(tmp_path)
    (tmp_path / "broken").unlink()
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises((DiskError, UsageError), match="loop"):
        read_metadata(tmp_path)


def overwrite(folder: Path) -> None:
    (folder / "a").write_bytes(b"2")


def add(folder: Path) -> None:
    (folder / "c").write_bytes(b"1")


def remove(folder: Path) -> None:
    (folder / "a").unlink()


def replace(folder: Path) -> None:
    (folder / "new").write_bytes(b"2")
    (folder / "new").rename(folder / "b")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (overwrite, "a changed while it was read: it was written to"), (add, "c changed while it was read: it is new"),
        (remove, "a changed while it was read: it was removed"),
        (replace, "b changed while it was read: another file took its place"),
    ],
)  # fmt: skip
def test_a_folder_that_changes_while_it_is_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[Path], None], told: str
) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(b"1")
        os.utime(tmp_path / name, (1, 1))

    def check(name: str) -> None:
        # The file before is read, this one is not.
        if name == "b":
            change(tmp_path)

    monkeypatch.setattr(metadata_folder, "check_metadata_path", check)
    with pytest.raises(InputChangedError, match=told) as caught:
        read_metadata(tmp_path)
    assert caught.value.exit_code == 5


def test_a_file_that_goes_before_its_turn_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_bytes(b"1")
    monkeypatch.setattr(metadata_folder, "check_metadata_path", lambda _name: (tmp_path / "a").unlink())

    with pytest.raises(InputChangedError, match="a changed while it was read: it was removed"):
        read_metadata(tmp_path)
