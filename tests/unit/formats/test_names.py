from __future__ import annotations

import pytest

from dcdist.errors import UsageError
from dcdist.formats import names


@pytest.mark.parametrize("name", ["web.xva", "a", "Web Server (2).xva", "données.xva", "-", "~", "a" * 240, "é" * 120])
def test_a_plain_name_is_an_images(name: str) -> None:
    names.check_image_name(name)


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", ".hidden", "a/b", "/a", "a/", "..\\a", "a\\b", "a\0b", "a\nb", "a\x7f", "a\x85b", "a\x1b[31m",
     "metadata", "a" * 241, "é" * 121, "a\u202eavx.exe", "a\u2028b", "a\udcffb"],
)  # fmt: skip
def test_a_name_that_could_do_harm_is_no_images(name: str) -> None:
    with pytest.raises(UsageError, match="image name"):
        names.check_image_name(name)


@pytest.mark.parametrize(
    "path",
    ["a", "a/b", "metadata", "metadata/metadata", "/".join("a" * 16), "/".join(["é" * 120, *["b" * 240] * 3, "c"])],
)
def test_a_relative_path_is_a_metadata_files(path: str) -> None:
    names.check_metadata_path(path)


@pytest.mark.parametrize(
    "path",
    ["", "/", "/a", "a/", "a//b", "../a", "a/../b", "a/..", "./a", "a/.b", "a\\b", "a/\0", "a/b\nc", "C:\\a",
     "/".join("a" * 17), "a" * 241, "a/" + "é" * 121, "/".join(["é" * 120] * 4 + ["a" * 61]), "a/\udcff"],
)  # fmt: skip
def test_a_path_that_could_do_harm_is_no_metadata_files(path: str) -> None:
    with pytest.raises(UsageError, match="metadata path"):
        names.check_metadata_path(path)


@pytest.mark.parametrize("paths", [[], ["a", "b"], ["a/b", "a/c"], ["ab", "a/b"], ["a/b/c", "a/d"]])
def test_paths_of_one_folder_stand_together(paths: list[str]) -> None:
    assert names.together_fault(paths) is None


@pytest.mark.parametrize(
    ("paths", "fault"),
    [
        (["a", "b", "a"], "'a' is used twice"),
        (["a", "a/b"], "'a' is both a file and a folder"),
        (["a/b/c/d", "a/b"], "'a/b' is both a file and a folder"),
    ],
)
def test_paths_that_exclude_each_other_do_not(paths: list[str], fault: str) -> None:
    assert names.together_fault(paths) == fault
