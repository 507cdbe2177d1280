"""Another user of the host may write to a destination, and plants there what root is to take for an image."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

import pytest

from dcdist.disk import lock
from dcdist.disk.destination_lock import DestinationLock
from dcdist.disk.destination_record import BroughtFile, DestinationRecord, encode_record
from dcdist.disk.threads import Threads
from dcdist.model.identity import Digest, ReleaseName
from tests.support.commands import dcdist as run
from tests.support.other_user import NOBODY, do_as_nobody, locked_by_nobody, needs_another_user, open_ground

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.commands import Demo, Done

pytestmark = [pytest.mark.root, needs_another_user]

WEB = ReleaseName("web", "1")


@pytest.fixture
def ground() -> Iterator[Path]:
    with open_ground() as folder:
        (folder / "images").mkdir()
        (folder / "images").chmod(0o777)
        yield folder


def plant(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    path.chmod(0o666)
    os.chown(path, NOBODY, NOBODY)


def fetch(demo: Demo, ground: Path) -> Done:
    done = run(*demo.fetch("web@1", ground))
    assert done.code == 0, done
    return done


def messages(done: Done) -> list[str]:
    return [record["message"] for record in done.records if record["event"] == "troubled"]


def is_as_published(demo: Demo, images: Path) -> bool:
    """All is there, and root's alone."""
    content = {name: (images / name).read_bytes() == wanted for name, wanted in demo.images["web@1"].items()}
    every = [path.lstat() for path in images.rglob("*") if not path.is_dir() or path.is_symlink()]
    return all(content.values()) and {(each.st_uid, each.st_mode & 0o7022, each.st_nlink) for each in every} == {
        (0, 0, 1)
    }


def test_a_destination_that_others_may_write_to_is_told_of_with_what_to_do(demo: Demo, ground: Path) -> None:
    told = messages(fetch(demo, ground))

    assert told == [
        f"other users of this host can replace what is in {ground}/images: {ground}/images: all users may write to it "
        "(mode 0777). The images are right when they come, but may be changed afterwards; to end that: chmod go-w "
        f"{ground}/images"
    ]
    (ground / "images").chmod(0o755)
    assert messages(fetch(demo, ground)) == []


def test_a_part_that_another_user_planted_does_not_become_the_image(demo: Demo, ground: Path) -> None:
    """It keeps the file open, to write into it when the image is complete."""
    part = ground / "images" / ".web.img.dcdist-part"
    plant(part, b"EVIL")
    with part.open("r+b") as held:
        fetch(demo, ground)
        held.write(b"EVILEVIL")
    assert is_as_published(demo, ground / "images")


def test_a_part_of_an_earlier_version_that_another_user_locks_holds_up_nobody(demo: Demo, ground: Path) -> None:
    (ground / "images").chmod(0o755)
    part = ground / "images" / ".web.img.dcdist-part"
    part.write_bytes(b"left over")
    with locked_by_nobody(part):
        fetch(demo, ground)
    assert is_as_published(demo, ground / "images")


def test_a_forged_record_and_image_are_not_taken_for_what_came_before(demo: Demo, ground: Path) -> None:
    images, wanted = ground / "images", demo.images["web@1"]
    record = DestinationRecord().begun(WEB, wanted)
    for name, content in wanted.items():
        plant(images / name, b"EVIL" + content[4:])
        digest = Digest(hashlib.sha256(content).digest())
        record = record.put(name, BroughtFile.of((images / name).stat(), WEB, digest))
    plant(images / ".dcdist-release", encode_record(record.completed(WEB)))
    done = fetch(demo, ground)

    assert is_as_published(demo, images)
    (told,) = [each for each in messages(done) if ".dcdist-release" in each]
    assert f"is not believed: it belongs to user nobody ({NOBODY})" in told


@pytest.mark.parametrize("mode", [0o666, 0o600])
def test_an_image_that_is_right_but_another_users_is_replaced(demo: Demo, ground: Path, mode: int) -> None:
    """It could be changed right after it was read."""
    fetch(demo, ground)
    for name in ("web.img", "metadata/order.json"):
        os.chown(ground / "images" / name, NOBODY, NOBODY)
        (ground / "images" / name).chmod(mode)
    done = fetch(demo, ground)

    assert is_as_published(demo, ground / "images")
    assert {record["path"]: record["reason"] for record in done.records if record["event"] == "file_replaced"} == {
        "web.img": f"it belongs to user nobody ({NOBODY})",
        "metadata/order.json": f"it belongs to user nobody ({NOBODY})",
    }


def test_an_image_that_others_may_write_is_replaced(demo: Demo, ground: Path) -> None:
    fetch(demo, ground)
    (ground / "images" / "web.img").chmod(0o666)
    with (ground / "images" / "web.img").open("r+b") as held:
        fetch(demo, ground)
        held.write(b"EVILEVIL")

    assert is_as_published(demo, ground / "images")


def test_where_nobody_else_may_write_an_image_that_was_given_to_another_user_is_only_read(
    demo: Demo, ground: Path
) -> None:
    (ground / "images").chmod(0o755)
    fetch(demo, ground)
    os.chown(ground / "images" / "web.img", NOBODY, NOBODY)
    done = fetch(demo, ground)

    assert (ground / "images" / "web.img").stat().st_uid == NOBODY
    found = [record for record in done.records if record["event"] == "image_finished"]
    assert {record["name"]: (record["in_place"], record["read"]) for record in found} == {
        "web.img": (True, True),
        "db.img": (True, False),
    }


@pytest.mark.parametrize("name", [".web.img.dcdist-part", "web.img", ".dcdist-release", ".dcdist-lock"])
@pytest.mark.parametrize("kind", ["link", "second name", "pipe", "socket"])
def test_whatever_stands_in_the_place_of_a_file_is_replaced_and_not_written_through(
    demo: Demo, ground: Path, name: str, kind: str
) -> None:
    victim, path = ground / "shadow", ground / "images" / name
    victim.write_bytes(b"root's own")
    victim.chmod(0o600)

    def make() -> None:
        match kind:
            case "link":
                path.symlink_to(victim)
            case "pipe":
                os.mkfifo(path)
            case _:
                os.mknod(path, 0o140666)

    if kind == "second name":
        path.hardlink_to(victim)  # as anybody can where fs.protected_hardlinks is 0
    else:
        do_as_nobody(make)
    fetch(demo, ground)

    assert victim.read_bytes() == b"root's own"
    assert victim.stat().st_mode & 0o777 == 0o600
    assert is_as_published(demo, ground / "images")


@pytest.mark.parametrize("name", ["metadata", "metadata/net"])
def test_a_folder_of_metadata_that_is_another_users_is_told_of(demo: Demo, ground: Path, name: str) -> None:
    (ground / "images").chmod(0o755)
    fetch(demo, ground)
    os.chown(ground / "images" / name, NOBODY, NOBODY)

    (told,) = messages(fetch(demo, ground))
    assert f"{ground}/images/{name}: it belongs to user nobody ({NOBODY})" in told
    assert f"chown -h 0 {ground}/images/{name}" in told


@pytest.mark.parametrize("owner", [0, NOBODY])
async def test_a_lock_that_another_user_holds_is_replaced(
    ground: Path, monkeypatch: pytest.MonkeyPatch, owner: int
) -> None:
    """One that an earlier version left readable, or one that was planted."""
    monkeypatch.setattr(lock, "_SHORT_PATIENCE", 0.0)
    path = ground / "images" / ".dcdist-lock"
    path.touch(0o644)
    os.chown(path, owner, owner)
    threads = Threads("test", count=1)
    ours = DestinationLock(ground / "images", threads)
    with locked_by_nobody(path):
        await ours.acquire(WEB, waiting=lambda _: None)
        assert path.read_text() == f"{os.getpid()} web@1\n"
        await ours.release()
    threads.close()
