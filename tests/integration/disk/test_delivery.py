"""Releases that follow each other into one destination: what comes, what goes, what stays, and what is said of it."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from dcdist.disk.destination import DirectoryDestination
from dcdist.errors import DiskError
from dcdist.model.geometry import MIB
from dcdist.model.trouble import Trouble, Troubled
from dcdist.ports.images import InPlace
from tests.support.deliveries import DeliverySite, made_release

if TYPE_CHECKING:
    from pathlib import Path

IMAGES = {"web.img": b"web 1", "x.iso": b"iso"}
METADATA = {"demo.json": b"{1}", "a.txt": b"a"}
NEXT = {"web.img": b"web 2!"}


@pytest.fixture
def site(tmp_path: Path) -> DeliverySite:
    return DeliverySite(tmp_path / "images")


async def test_what_an_earlier_release_brought_and_this_one_has_not_is_removed(site: DeliverySite) -> None:
    await site.deliver("st@1", IMAGES, METADATA)
    (site.folder / "own.txt").write_text("a stranger's")
    (site.folder / "metadata" / "own.txt").write_text("another's")
    await site.deliver("st@2", NEXT, {"demo.json": b"{2}"})

    assert site.content() == {
        "web.img": b"web 2!",
        "metadata/demo.json": b"{2}",
        "own.txt": b"a stranger's",
        "metadata/own.txt": b"another's",
    }
    assert site.told() == [
        "removed metadata/a.txt: st@1 brought it, and st@2 does not have it",
        "removed x.iso: st@1 brought it, and st@2 does not have it",
    ]
    assert site.holds() == {"st@2": True}
    assert sorted(site.record().files) == ["metadata/demo.json", "web.img"]


async def test_a_file_that_somebody_changed_since_is_kept_and_told(site: DeliverySite) -> None:
    await site.deliver("st@1", IMAGES, METADATA)
    (site.folder / "x.iso").write_bytes(b"own")
    await site.deliver("st@2", NEXT, METADATA)

    assert site.content()["x.iso"] == b"own"
    assert site.told() == ["kept x.iso: st@1 brought it, and st@2 does not have it, but it was changed since"]
    await site.deliver("st@3", {}, METADATA)
    assert site.told() == ["removed web.img: st@2 brought it, and st@3 does not have it"]
    assert site.content()["x.iso"] == b"own"


async def test_a_file_whose_times_changed_alone_is_read_and_then_removed(site: DeliverySite) -> None:
    await site.deliver("st@1", IMAGES)
    os.utime(site.folder / "x.iso")
    await site.deliver("st@2", NEXT)

    assert site.read() == {"x.iso"}
    assert list(site.content()) == ["web.img"]


async def test_what_dcdist_had_not_brought_is_replaced_with_a_word(site: DeliverySite, tmp_path: Path) -> None:
    (site.folder / "metadata").mkdir(parents=True)
    (site.folder / "metadata/demo.json").write_text("own")
    (site.folder / "x.iso").write_text("own")
    (tmp_path / "disk").write_bytes(b"web 1")
    (site.folder / "web.img").symlink_to(tmp_path / "disk")
    await site.deliver("st@1", IMAGES, {"demo.json": b"{1}"})

    assert site.told() == [
        "replaced metadata/demo.json: no fetch on record had brought it",
        f"replaced web.img: it was a symbolic link to {tmp_path / 'disk'}",
        "replaced x.iso: no fetch on record had brought it",
    ]
    assert not (site.folder / "web.img").is_symlink()
    assert (tmp_path / "disk").read_bytes() == b"web 1"


async def test_an_earlier_version_is_replaced_without_a_word_unless_somebody_changed_it(site: DeliverySite) -> None:
    await site.deliver("st@1", IMAGES, METADATA)
    (site.folder / "x.iso").write_bytes(b"own!")
    await site.deliver("st@2", {"web.img": b"web 2!", "x.iso": b"iso 2!!"}, {"demo.json": b"{2}", "a.txt": b"a"})

    assert site.told() == ["replaced x.iso: it was changed since st@1 brought it"]


async def test_a_release_that_is_there_is_not_touched(site: DeliverySite) -> None:
    await site.deliver("st@1", IMAGES, METADATA)
    before = {path: os.stat(site.folder / path) for path in [*site.content(), ".dcdist-release"]}
    found = await site.deliver("st@1", IMAGES, METADATA)

    assert found == {"web.img": InPlace.UNREAD, "x.iso": InPlace.UNREAD}
    assert {path: os.stat(site.folder / path).st_ctime_ns for path in before} == {
        path: status.st_ctime_ns for path, status in before.items()
    }


async def test_a_release_is_incomplete_from_the_first_change_to_the_last(site: DeliverySite) -> None:
    await site.deliver("st@1", IMAGES, METADATA)
    await site.deliver("st@2", NEXT, METADATA, until="prepared")
    assert site.holds() == {"st@1": True}
    await site.deliver("st@2", NEXT, METADATA, until="begun")
    assert site.holds() == {"st@2": False}
    assert sorted(site.record().files) == ["metadata/a.txt", "metadata/demo.json", "web.img", "x.iso"]
    assert site.content()["x.iso"] == b"iso"
    await site.deliver("st@2", NEXT, METADATA)
    assert site.holds() == {"st@2": True}
    assert "x.iso" not in site.content()


async def test_a_folder_that_a_fetch_made_and_put_nothing_into_is_removed_again(
    site: DeliverySite, tmp_path: Path
) -> None:
    await DeliverySite(site.folder / "deeper").deliver("st@1", IMAGES, until="prepared")

    assert os.listdir(tmp_path) == []


# Several demos, and parts of a release


async def test_two_demos_share_a_destination_and_remove_nothing_of_each_other(site: DeliverySite) -> None:
    await site.deliver("web@1", {"web.img": b"w", "base.iso": b"base"}, {"demo.json": b"web"})
    await site.deliver("db@1", {"db.img": b"d", "base.iso": b"base"}, {"db.json": b"db"})
    assert site.holds() == {"web@1": True, "db@1": True}
    await site.deliver("db@2", {"db.img": b"d 2"}, {"db.json": b"db"})

    assert site.told() == []
    assert site.holds() == {"web@1": True, "db@2": True}
    assert site.content() == {
        "web.img": b"w", "base.iso": b"base", "db.img": b"d 2", "metadata/demo.json": b"web", "metadata/db.json": b"db",
    }  # fmt: skip
    await site.deliver("web@2", {"web.img": b"w"})
    assert "base.iso" not in site.content()


async def test_what_another_demo_had_brought_is_replaced_with_a_word_and_that_demo_is_not_complete_any_more(
    site: DeliverySite,
) -> None:
    await site.deliver("web@1", IMAGES, {"demo.json": b"web"})
    await site.deliver("db@1", {"x.iso": b"other"}, {"demo.json": b"db"})

    assert site.told() == [
        "replaced metadata/demo.json: web@1 had brought it",
        "replaced x.iso: web@1 had brought it",
    ]
    assert site.holds() == {"web@1": False, "db@1": True}


async def test_a_fetch_of_some_images_leaves_those_of_an_earlier_version_and_claims_only_what_is_there(
    site: DeliverySite,
) -> None:
    before = {"web.img": b"web 1", "db.img": b"db", "x.iso": b"iso"}
    await site.deliver("st@1", before, METADATA)
    await site.deliver("st@2", {"web.img": b"web 2", "db.img": b"db"}, {"demo.json": b"{2}"}, wanted=[])

    reason = "st@1 brought it, and this fetch was not asked for all images"
    assert site.told()[1:] == [f"kept web.img: {reason}", f"kept x.iso: {reason}"]
    assert site.content() == {**before, "metadata/demo.json": b"{2}"}
    assert site.record().releases["st"].images == ("db.img",)  # the same in both versions
    await site.deliver("st@2", {"web.img": b"web 2", "db.img": b"db"}, {"demo.json": b"{2}"})
    assert site.told() == ["removed x.iso: st@1 brought it, and st@2 does not have it"]
    assert site.record().releases["st"].images == ("db.img", "web.img")


async def test_images_that_were_asked_for_one_after_another_are_all_recorded(site: DeliverySite) -> None:
    await site.deliver("st@1", IMAGES, wanted=["web.img"])
    await site.deliver("st@1", IMAGES, wanted=["x.iso"])
    assert site.record().releases["st"].images == ("web.img", "x.iso")
    (site.folder / "web.img").unlink()
    await site.deliver("st@1", IMAGES, wanted=["x.iso"])

    assert site.record().releases["st"].images == ("x.iso",)
    assert sorted(site.record().files) == ["x.iso"]


# What is believed of what is there


async def test_an_image_to_which_nothing_has_happened_is_not_read(site: DeliverySite) -> None:
    await site.deliver("st@1", IMAGES)
    found = await site.deliver("st@2", {**IMAGES, "web.img": b"web 2"})

    assert found == {"web.img": InPlace.ABSENT, "x.iso": InPlace.UNREAD}
    assert site.read() == set()


async def test_a_check_reads_what_is_there_and_brings_anew_what_differs(site: DeliverySite) -> None:
    await site.deliver("st@1", IMAGES)
    # As a failing disk would do it: nothing tells that the file changed.
    record = (site.folder / ".dcdist-release").read_text()
    (site.folder / "web.img").write_bytes(b"WEB 1")
    status = os.stat(site.folder / "web.img")
    told = json.loads(record)
    told["files"]["web.img"] |= {"mtime_ns": status.st_mtime_ns, "ctime_ns": status.st_ctime_ns}
    (site.folder / ".dcdist-release").write_text(json.dumps(told))
    assert (await site.deliver("st@1", IMAGES, until="prepared"))["web.img"] is InPlace.UNREAD
    found = await site.deliver("st@1", IMAGES, read=True)

    assert found == {"web.img": InPlace.ABSENT, "x.iso": InPlace.READ}
    assert site.content() == IMAGES
    (trouble,) = [note for note in site.notes if isinstance(note, Troubled)]
    assert (trouble.kind, trouble.source) == (Trouble.CORRUPT, str(site.folder / "web.img"))


async def test_an_image_that_is_there_without_a_record_is_read_once(site: DeliverySite) -> None:
    site.folder.mkdir()
    (site.folder / "web.img").write_bytes(b"web 1")
    assert await site.deliver("st@1", IMAGES) == {"web.img": InPlace.READ, "x.iso": InPlace.ABSENT}
    assert (await site.deliver("st@1", IMAGES))["web.img"] is InPlace.UNREAD


async def test_a_large_image_is_read_in_slices_that_are_told(site: DeliverySite) -> None:
    content = os.urandom(65 * MIB + 3)
    site.folder.mkdir()
    (site.folder / "vm.img").write_bytes(content)
    assert await site.deliver("st@1", {"vm.img": content}, until="prepared") == {"vm.img": InPlace.READ}
    assert len(site.notes) == 3


async def test_an_image_that_changes_while_it_is_read_is_not_had(
    site: DeliverySite, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.folder.mkdir()
    (site.folder / "web.img").write_bytes(b"web 1")

    def feed_and_change(take: object, destination: Path, path: str, start: int, length: int) -> None:
        monkeypatch.undo()
        os.utime(destination / path, ns=(0, 1))

    monkeypatch.setattr("dcdist.disk.image_checker.feed", feed_and_change)
    assert (await site.deliver("st@1", IMAGES, until="prepared"))["web.img"] is InPlace.ABSENT


async def test_missing_wrong_sized_and_irregular_files_are_not_had(site: DeliverySite) -> None:
    site.folder.mkdir()
    (site.folder / "web.img").write_bytes(b"web 1 and more")
    os.mkfifo(site.folder / "x.iso")
    found = await site.deliver("st@1", {**IMAGES, "y.iso": b""}, until="prepared")
    assert set(found.values()) == {InPlace.ABSENT}


# The record itself


@pytest.mark.parametrize(
    ("content", "told"),
    [(b"{", "is damaged: it is not JSON"), (b'{"format": 2}', "was written by a newer dcdist"), (b"", "is damaged")],
)
async def test_without_a_record_that_can_be_read_nothing_is_removed_and_that_is_told(
    site: DeliverySite, content: bytes, told: str
) -> None:
    await site.deliver("st@1", IMAGES, METADATA)
    (site.folder / ".dcdist-release").write_bytes(content)
    await site.deliver("st@2", NEXT, METADATA)

    (trouble,) = site.troubles()
    assert told in trouble
    assert "what earlier releases brought stays" in trouble
    assert site.content()["x.iso"] == b"iso"
    assert site.holds() == {"st@2": True}


async def test_the_record_of_an_older_dcdist_gives_way_to_the_new_one(site: DeliverySite) -> None:
    site.folder.mkdir()
    (site.folder / ".dcdist-images").write_text("{}")
    await site.deliver("st@1", IMAGES)
    assert sorted(site.content()) == ["web.img", "x.iso"]


async def test_an_image_that_vanishes_as_it_is_finished_is_a_plain_error(
    site: DeliverySite, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = made_release("st@1", {"web.img": b"web 1"})
    site.folder.mkdir()
    async with DirectoryDestination(site.folder, release, report=print) as destination:
        await destination.begin(release.images)
        file = await destination.create("web.img", 5)
        monkeypatch.setattr("dcdist.disk.places.status_at", lambda *_: None)
        with pytest.raises(DiskError, match="another program removed it"):
            await destination.place(release.images[0], file)
