"""Another user of the host looks for what a fetch leaves there: a private release is not to be read by it."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from tests.support.commands import dcdist as run
from tests.support.commands import running, wait_for, wait_for_end
from tests.support.other_user import NOBODY, do_as_nobody, needs_another_user, open_ground

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.commands import Demo

pytestmark = [pytest.mark.root, needs_another_user]


@pytest.fixture
def ground() -> Iterator[Path]:
    with open_ground() as folder:
        yield folder


def with_umask(mask: str) -> list[str]:
    return ["sh", "-c", f'umask {mask}; exec "$@"', "sh"]


def modes(folder: Path, *below: str) -> dict[str, str]:
    """The modes of all that is there, by path; of `below` only, if given."""
    found = [folder, *folder.rglob("*")]
    return {
        path.relative_to(folder).as_posix(): f"{stat.S_IMODE(path.lstat().st_mode):o}"
        for path in found
        if not below or path.relative_to(folder).as_posix() in below
    }


def open_to_others(folder: Path) -> dict[str, str]:
    """What has another mode than 0700 (folders) or 0600 (files)."""
    return {
        path: mode for path, mode in modes(folder).items() if mode != ("700" if (folder / path).is_dir() else "600")
    }


@pytest.mark.parametrize("umask", ["000", "022"])
def test_all_that_a_fetch_a_seeder_and_a_killed_fetch_leave_is_private_whatever_the_umask(
    demo: Demo, ground: Path, umask: str
) -> None:
    """`metadata/net/plan.txt` may be run by its owner."""
    trading = ("--listen", "127.0.0.1:0", "--seed-for", "60s")
    with running(*demo.fetch("web@1", ground, "--store-rate", "300KB", *trading), wrapper=with_umask(umask)) as killed:
        wait_for(killed, "metadata_written")
        wait_for(killed, "progress")
        killed.kill()
    left = {**open_to_others(ground / "cache"), **open_to_others(ground / "images")}
    assert left in ({}, {"metadata/net/plan.txt": "700"}), left

    done = run(*demo.fetch("web@1", ground, *trading), wrapper=with_umask(umask))
    assert done.code == 0, done
    seeding = next(record["pid"] for record in done.records if record["event"] == "seeding")
    try:
        assert {"seeding.log", "serials.json", "seeder.lock", "layers"} <= set(os.listdir(ground / "cache"))
        assert open_to_others(ground / "cache") == {}
        assert open_to_others(ground / "images") == {"metadata/net/plan.txt": "700"}
    finally:
        os.kill(seeding, 15)
        wait_for_end(seeding)


@pytest.mark.parametrize(
    ("folder", "umask", "inner", "file", "script"),
    [
        (0o755, "022", "755", "644", "755"),
        (0o755, "000", "755", "644", "755"),
        (0o755, "077", "700", "600", "700"),
        (0o700, "000", "700", "600", "700"),
        (0o750, "000", "750", "640", "750"),
        (0o711, "000", "711", "600", "700"),
    ],
)
def test_who_may_read_the_folder_of_a_destination_may_read_what_comes_there_and_nobody_else_may(
    demo: Demo, ground: Path, folder: int, umask: str, inner: str, file: str, script: str
) -> None:
    images = ground / "images"
    images.mkdir()
    os.chown(images, 0, NOBODY)
    images.chmod(folder)
    done = run(*demo.fetch("web@1", ground), wrapper=with_umask(umask))

    assert done.code == 0, done
    expected = {
        "web.img": file,
        "db.img": file,
        ".dcdist-release": file,
        "metadata": inner,
        "metadata/order.json": file,
        "metadata/net": inner,
        "metadata/net/plan.txt": script,
    }
    assert modes(images, *expected) == expected
    statuses = [(images / path).stat() for path in expected]
    assert {status.st_gid for status in statuses if status.st_mode & 0o040} <= {NOBODY}


def test_nobody_reads_an_image_while_it_is_built(demo: Demo, ground: Path) -> None:
    """Nor can it lock the file and hold up the next fetch."""
    (ground / "images").mkdir(mode=0o755)
    with running(*demo.fetch("web@1", ground, "--store-rate", "300KB")) as fetching:
        wait_for(fetching, "metadata_written")
        wait_for(fetching, "progress")
        parts = [path for path in (ground / "images").iterdir() if path.name.endswith(("part", "lock"))]
        assert {path.name for path in parts} >= {".web.img.dcdist-part", ".db.img.dcdist-part", ".dcdist-lock"}

        def look() -> None:
            for path in parts:
                with pytest.raises(PermissionError):
                    os.open(path, os.O_RDONLY)

        do_as_nobody(look)
        fetching.terminate()
        fetching.wait()
