"""What verification says of a destination in which things stand in each other's places."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

import pytest

from dcdist.errors import DiskError
from dcdist.model.identity import Digest, ReleaseName
from dcdist.model.release import Image, MetadataFile, Release
from dcdist.model.trouble import Troubled
from dcdist.node.verification import ImageVerified, MetadataVerified, OthersFound, verify

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from dcdist.node.verification import VerifyEvent

_IMAGE = b"the image"


def _release(*metadata: str) -> Release:
    digest = Digest(hashlib.sha256(_IMAGE).digest())
    files = tuple(MetadataFile(path, b"settings", executable=False) for path in metadata)
    return Release(ReleaseName("web", "2"), 2, (Image("web.img", len(_IMAGE), digest, digest),), (), files)


async def _events(release: Release, dest: Path) -> list[VerifyEvent]:
    return [event async for event in verify(release, dest)]


def _conditions(events: list[VerifyEvent]) -> dict[str, str]:
    return {each.title: each.condition.value for each in events if isinstance(each, ImageVerified | MetadataVerified)}


def _with(dest: Path, *files: str) -> Path:
    for path in files:
        (dest / path).parent.mkdir(parents=True, exist_ok=True)
        (dest / path).write_bytes(b"settings")
    (dest / "web.img").write_bytes(_IMAGE)
    return dest


async def test_a_folder_in_place_of_a_metadata_file_differs(tmp_path: Path) -> None:
    events = await _events(_release("config"), _with(tmp_path, "metadata/config/inner"))
    assert _conditions(events) == {"metadata/config": "differs", "web.img": "ok"}
    assert events[-1] == OthersFound(1, ("metadata/config/inner",))


async def test_what_should_be_inside_of_a_folder_is_missing_where_a_file_stands_in_its_place(tmp_path: Path) -> None:
    events = await _events(_release("config/inner", "config/deep/er"), _with(tmp_path, "metadata/config"))
    assert _conditions(events) == {
        "metadata/config/inner": "missing",
        "metadata/config/deep/er": "missing",
        "web.img": "ok",
    }
    assert events[-1] == OthersFound(1, ("metadata/config",))


async def test_all_metadata_is_missing_where_a_file_stands_in_place_of_its_folder(tmp_path: Path) -> None:
    events = await _events(_release("config"), _with(tmp_path, "metadata"))
    assert _conditions(events) == {"metadata/config": "missing", "web.img": "ok"}


@pytest.mark.parametrize("target", ["nowhere", "config"])
async def test_metadata_behind_a_link_that_leads_nowhere_is_missing(tmp_path: Path, target: str) -> None:
    dest = _with(tmp_path)
    (dest / "metadata").mkdir()
    os.symlink(target, dest / "metadata" / "config")
    assert _conditions(await _events(_release("config/inner"), dest)) == {
        "metadata/config/inner": "missing",
        "web.img": "ok",
    }


@pytest.mark.parametrize(
    "place", [lambda path: path.mkdir(), lambda path: os.symlink("nowhere", path), lambda path: os.mkfifo(path)]
)
async def test_what_is_not_a_file_in_place_of_an_image_differs(tmp_path: Path, place: Callable[[Path], None]) -> None:
    place(tmp_path / "web.img")
    assert _conditions(await _events(_release(), tmp_path)) == {"web.img": "differs"}


async def test_a_record_that_the_disk_refuses_is_told_and_the_images_are_read(tmp_path: Path) -> None:
    dest = _with(tmp_path)
    (dest / ".dcdist-release").mkdir()
    events = await _events(_release(), dest)
    assert _conditions(events) == {"web.img": "ok"}
    told = [each.message for each in events if isinstance(each, Troubled)]
    assert len(told) == 1
    assert str(dest / ".dcdist-release") in told[0]


async def test_a_folder_that_cannot_be_read_ends_it(tmp_path: Path) -> None:
    with pytest.raises(DiskError, match="cannot be read"):
        await _events(_release(), tmp_path / ("x" * 300))
