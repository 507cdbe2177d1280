"""What stands where a release is to be put: what makes way, what does not, and what is never removed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from dcdist.disk import places
from dcdist.errors import DiskError
from tests.support.deliveries import DeliverySite

if TYPE_CHECKING:
    from pathlib import Path

IMAGES = {"web.img": b"web 1", "x.iso": b"iso"}
METADATA = {"demo.json": b"{1}", "a.txt": b"a"}
NEXT = {"web.img": b"web 2!"}


@pytest.fixture
def site(tmp_path: Path) -> DeliverySite:
    return DeliverySite(tmp_path / "images")


@pytest.mark.parametrize(
    ("before", "after"), [({"x": b"1"}, {"x/y/z": b"2"}), ({"x/y/z": b"1"}, {"x": b"2"})], ids=["to folder", "to file"]
)
async def test_a_file_in_one_version_may_be_a_folder_in_the_next(
    site: DeliverySite, before: dict[str, bytes], after: dict[str, bytes]
) -> None:
    await site.deliver("st@1", {}, before)
    await site.deliver("st@2", {}, after)

    assert site.content() == {f"metadata/{path}": content for path, content in after.items()}
    assert [text.split(":")[0] for text in site.told()] == ([] if "x" in before else ["removed metadata/x/y/z"])


async def test_a_folder_in_place_of_a_file_that_holds_something_else_is_noticed_before_anything_changes(
    site: DeliverySite,
) -> None:
    await site.deliver("st@1", IMAGES, {"x/y": b"1"})
    (site.folder / "metadata/x/own").write_text("a stranger's")
    before, record = site.content(), site.record()
    with pytest.raises(DiskError, match=r"metadata/x is a folder with metadata/x/own in it; the release has a file"):
        await site.deliver("st@2", NEXT, {"x": b"2"})

    assert (site.content(), site.record()) == (before, record)


async def test_empty_folders_in_place_of_a_file_make_way_and_links_to_folders_are_not_followed(
    site: DeliverySite, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere" / "empty").mkdir(parents=True)
    (site.folder / "metadata" / "x" / "deeper").mkdir(parents=True)
    (site.folder / "metadata" / "y").symlink_to(tmp_path / "elsewhere")
    await site.deliver("st@1", {}, {"x": b"1", "y": b"2"})

    assert site.content() == {"metadata/x": b"1", "metadata/y": b"2"}
    assert (tmp_path / "elsewhere" / "empty").is_dir()
    assert site.told() == [
        "replaced metadata/x: it was an empty folder",
        f"replaced metadata/y: it was a symbolic link to {tmp_path / 'elsewhere'}",
    ]


async def test_a_folder_in_place_of_an_image_is_noticed_before_anything_changes(site: DeliverySite) -> None:
    (site.folder / "web.img").mkdir(parents=True)
    with pytest.raises(DiskError, match=r"web\.img is a folder; the release has a file of that name"):
        await site.deliver("st@1", IMAGES, METADATA)

    assert site.content() == {}
    assert os.listdir(site.folder) == ["web.img"]


async def test_a_link_in_place_of_a_metadata_folder_is_noticed_before_anything_changes(
    site: DeliverySite, tmp_path: Path
) -> None:
    site.folder.mkdir()
    (site.folder / "metadata").symlink_to(tmp_path)
    with pytest.raises(DiskError, match="a symbolic link, and dcdist follows none there"):
        await site.deliver("st@1", IMAGES, METADATA)

    assert os.listdir(site.folder) == ["metadata"]


async def test_a_folder_that_may_not_be_written_to_is_noticed_before_anything_changes(
    site: DeliverySite, monkeypatch: pytest.MonkeyPatch
) -> None:
    (site.folder / "metadata").mkdir(parents=True)
    monkeypatch.setattr(os, "access", lambda path, _: str(path) != str(site.folder / "metadata"))
    with pytest.raises(DiskError, match="may not write to"):
        await site.deliver("st@1", IMAGES, METADATA)

    assert os.listdir(site.folder) == ["metadata"]


@pytest.mark.parametrize("own", ["metadata", "metadata/net", "metadata/net/deep"])
async def test_a_users_file_where_the_release_has_a_folder_is_noticed_before_anything_changes(
    site: DeliverySite, own: str
) -> None:
    await site.deliver("st@1", IMAGES)
    (site.folder / own).parent.mkdir(parents=True, exist_ok=True)
    (site.folder / own).write_text("own")
    before, record = site.content(), site.record()
    with pytest.raises(
        DiskError, match=rf"{own} is a file that no fetch brought.* the release has a folder of that name"
    ):
        await site.deliver("st@2", NEXT, {"net/deep/plan": b"7"})

    assert (site.content(), site.record()) == (before, record)


async def test_a_file_that_a_fetch_brought_makes_way_for_a_folder_only_as_long_as_nobody_changed_it(
    site: DeliverySite,
) -> None:
    await site.deliver("web@1", IMAGES, {"net": b"web"})
    (site.folder / "metadata/net").write_text("own")
    with pytest.raises(DiskError, match="or that was changed since"):
        await site.deliver("web@2", NEXT, {"net/plan": b"7"})
    assert site.content()["metadata/net"] == b"own"

    await site.deliver("web@1", IMAGES, {"net": b"web"})
    await site.deliver("db@1", {}, {"net/plan": b"7"})
    assert site.told()[-1] == "replaced metadata/net: web@1 had brought it"
    assert site.content()["metadata/net/plan"] == b"7"
    assert site.holds() == {"web@1": False, "db@1": True}


@pytest.mark.parametrize("links", [True, False], ids=["links", "no links"])
@pytest.mark.parametrize("moment", ["before", "after"])
async def test_a_file_that_somebody_replaces_as_it_is_removed_is_kept(
    site: DeliverySite, monkeypatch: pytest.MonkeyPatch, moment: str, *, links: bool
) -> None:
    await site.deliver("st@1", IMAGES, METADATA)

    def replace_own() -> None:
        (site.folder / "own").write_bytes(b"own")
        (site.folder / "own").replace(site.folder / "x.iso")

    rename = os.rename

    def replace_then_rename(source: str | Path, target: str | Path, **folders: int) -> None:
        if source == "x.iso":
            monkeypatch.setattr(os, "rename", rename)
            replace_own()
        rename(source, target, **folders)

    def no_link(*_: object, **__: object) -> None:
        raise PermissionError

    def replace_then_remove(destination: Path, path: str, known: os.stat_result) -> bool:
        if path == "x.iso":
            replace_own()
        return remove(destination, path, known)

    remove = places.remove
    if moment == "before":
        monkeypatch.setattr("dcdist.disk.places.remove", replace_then_remove)
    else:
        monkeypatch.setattr(os, "rename", replace_then_rename)
    if not links:
        monkeypatch.setattr(os, "link", no_link)
    await site.deliver("st@2", NEXT, METADATA)

    assert site.content()["x.iso"] == b"own"
    assert site.told() == ["kept x.iso: st@1 brought it, and st@2 does not have it, but it was changed since"]
    assert sorted(os.listdir(site.folder)) == [".dcdist-release", "metadata", "web.img", "x.iso"]


def test_a_users_file_that_comes_while_another_is_put_back_stays_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "x").write_bytes(b"brought")
    known = os.stat(tmp_path / "x")
    rename = os.rename

    def rename_amid_writers(source: str, target: str, **folders: int) -> None:
        (tmp_path / "x").write_bytes(b"own")
        rename(source, target, **folders)
        (tmp_path / "x").write_bytes(b"another")

    monkeypatch.setattr(os, "rename", rename_amid_writers)
    assert not places.remove(tmp_path, "x", known)
    assert sorted(path.read_bytes() for path in tmp_path.iterdir()) == [b"another", b"own"]
    assert (tmp_path / "x").read_bytes() == b"another"
