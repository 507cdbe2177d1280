"""Another user of the host reaches for the cache of root: to have files overwritten, and to hold up fetches."""

from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING

import pytest

from dcdist.disk import lock, serials
from dcdist.disk.cache import DirectoryCache
from dcdist.disk.serials import SeenSerials
from dcdist.errors import CacheBusyError
from dcdist.model.identity import ReleaseName
from dcdist.model.release import Release, SignedRelease
from tests.support.commands import dcdist as run
from tests.support.commands import wait_for_end
from tests.support.layers import sample_layer
from tests.support.other_user import NOBODY, do_as_nobody, locked_by_nobody, needs_another_user, open_ground

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from dcdist.model.trouble import Troubled
    from tests.support.commands import Demo

pytestmark = [pytest.mark.root, needs_another_user]

TRADING = ("--listen", "127.0.0.1:0", "--seed-for", "0")
VICTIM = b"root's own, and of no layer\n"


def signed(name: str, serial: int) -> SignedRelease:
    return SignedRelease(Release(ReleaseName.parse(name), serial, (), (), ()), frozenset({"0123456789abcdef"}))


@pytest.fixture
def ground() -> Iterator[Path]:
    with open_ground() as folder:
        yield folder


@pytest.fixture
def victim(ground: Path) -> Path:
    path = ground / "shadow"
    path.write_bytes(VICTIM)
    path.chmod(0o600)
    return path


def layer_names(demo: Demo) -> list[str]:
    return sorted(path.name for path in (demo.folder / "store" / "layers").iterdir())


def nobodys(path: Path, mode: int = 0o755) -> None:
    os.chown(path, NOBODY, NOBODY)
    path.chmod(mode)


def _of_another(ground: Path, names: list[str]) -> Path:
    nobodys(ground)
    (ground / "cache").mkdir()
    nobodys(ground / "cache", 0o777)
    return ground / "cache"


def _writable_by_all(ground: Path, names: list[str]) -> Path:
    (ground / "cache").mkdir()
    (ground / "cache").chmod(0o777)
    return ground / "cache"


def _writable_by_all_though_sticky(ground: Path, names: list[str]) -> Path:
    ground.chmod(0o1777)
    return ground


def _below_a_folder_of_another(ground: Path, names: list[str]) -> Path:
    (ground / "work").mkdir()
    nobodys(ground / "work")
    (ground / "work" / "cache").mkdir(mode=0o700)
    return ground / "work" / "cache"


def _below_a_folder_that_all_may_write(ground: Path, names: list[str]) -> Path:
    ground.chmod(0o777)
    return ground / "cache"


def _behind_a_link_of_another(ground: Path, names: list[str]) -> Path:
    (ground / "real").mkdir(mode=0o700)
    (ground / "cache").symlink_to("real")
    os.chown(ground / "cache", NOBODY, NOBODY, follow_symlinks=False)
    ground.chmod(0o1777)
    return ground / "cache"


def _behind_a_link_in_a_folder_of_another(ground: Path, names: list[str]) -> Path:
    (ground / "work").mkdir()
    nobodys(ground / "work")
    (ground / "work" / "hop").symlink_to(ground)
    (ground / "way").symlink_to("work/hop")
    return ground / "way" / "cache"


def _with_layers_of_another(ground: Path, names: list[str]) -> Path:
    (ground / "cache" / "layers").mkdir(parents=True)
    nobodys(ground / "cache" / "layers")
    return ground / "cache"


def _with_a_layer_that_all_may_write(ground: Path, names: list[str]) -> Path:
    for name in names:
        (ground / "cache" / "layers" / name).mkdir(parents=True)
        (ground / "cache" / "layers" / name).chmod(0o777)
    return ground / "cache"


def _of_a_group(ground: Path, names: list[str]) -> Path:
    (ground / "cache").mkdir()
    os.chown(ground / "cache", 0, NOBODY)
    (ground / "cache").chmod(0o770)
    return ground / "cache"


@pytest.mark.parametrize(
    "prepare",
    [
        _of_another,
        _writable_by_all,
        _writable_by_all_though_sticky,
        _below_a_folder_of_another,
        _below_a_folder_that_all_may_write,
        _behind_a_link_of_another,
        _behind_a_link_in_a_folder_of_another,
        _with_layers_of_another,
        _with_a_layer_that_all_may_write,
        _of_a_group,
    ],
)
@pytest.mark.parametrize("how", [("--no-swarm",), TRADING], ids=["alone", "trading"])
def test_a_cache_that_another_user_owns_or_may_write_is_refused_before_anything_is_written(
    demo: Demo, tmp_path: Path, ground: Path, prepare: Callable[[Path, list[str]], Path], how: tuple[str, ...]
) -> None:
    cache = prepare(ground, layer_names(demo))
    done = run(*demo.fetch("web", tmp_path, "--cache", cache, *how))

    assert (done.code, done.out.count("image_finished")) == (6, 0), done
    message = done.last("error")["message"]
    assert message.startswith("other users of this host could replace what dcdist keeps in")
    assert any(words in message for words in ("chown -hR 0 ", "go-w ", "use a folder in it", "use another folder"))
    assert not (tmp_path / "images" / "web.img").exists()
    # The guard against older releases is noted first, if its own folder is private.
    written = {path.name for path in ground.rglob("*") if path.is_file()}
    assert written <= {"serials.json", "serials.lock"}


@pytest.mark.parametrize("kind", ["link", "second name", "pipe", "file"])
def test_what_another_user_planted_while_it_could_is_not_written_through(
    demo: Demo, tmp_path: Path, ground: Path, victim: Path, kind: str
) -> None:
    """The operator did as the message says: `chown` and `chmod` of the folders, and what is in them stayed."""
    cache = ground / "cache"
    for name in layer_names(demo):
        folder = cache / "layers" / name
        folder.mkdir(parents=True)
        for file in ("data", "index", "resume", "clean", "lock"):
            plant(folder / file, victim, kind)
    cache.chmod(0o700)
    done = run(*demo.fetch("web", tmp_path, "--cache", cache, *TRADING))

    assert done.code == 0, done
    assert victim.read_bytes() == VICTIM
    assert victim.stat().st_uid == 0
    told = [record["message"] for record in done.records if record["event"] == "troubled"]
    assert len([each for each in told if "the layer is fetched anew" in each]) == len(layer_names(demo))
    files = [path for path in cache.rglob("*") if path.name in {"data", "resume", "clean", "lock"}]
    assert {(path.stat().st_uid, path.stat().st_nlink, path.is_symlink()) for path in files} == {(0, 1, False)}


def plant(path: Path, victim: Path, kind: str) -> None:
    """A link to root's file, a second name of it, a pipe, or a file that nobody wrote."""
    match kind:
        case "link":
            path.symlink_to(victim)
            os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
        case "second name":
            path.hardlink_to(victim)
        case "pipe":
            os.mkfifo(path)
            nobodys(path, 0o666)
        case _:
            path.write_bytes(b"EVIL")
            nobodys(path, 0o666)


def with_umask(mask: str) -> list[str]:
    return ["sh", "-c", f'umask {mask}; exec "$@"', "sh"]


def test_no_lock_of_a_cache_can_be_opened_by_another_user_even_if_its_folder_could_be_reached(
    demo: Demo, tmp_path: Path, ground: Path
) -> None:
    done = run(
        *demo.fetch("web", tmp_path, "--cache", ground / "cache", "--listen", "127.0.0.1:0", "--seed-for", "60s"),
        wrapper=with_umask("000"),
    )
    assert done.code == 0, done
    seeding = next(record["pid"] for record in done.records if record["event"] == "seeding")
    try:
        files = [path for path in (ground / "cache").rglob("*") if path.is_file()]
        assert {"serials.lock", "lock", "seeder.lock"} <= {path.name for path in files}

        def reach_for_all() -> None:
            for path in files:
                for flags in (os.O_RDONLY, os.O_WRONLY):
                    with pytest.raises(PermissionError):
                        os.open(path, flags)

        do_as_nobody(reach_for_all)
        for folder in (path for path in (ground / "cache").rglob("*") if path.is_dir()):
            folder.chmod(0o755)
        (ground / "cache").chmod(0o755)
        do_as_nobody(reach_for_all)
    finally:
        os.kill(seeding, 15)
        wait_for_end(seeding)


def test_a_lock_of_the_serials_that_another_user_holds_since_before_costs_a_note_at_most(
    ground: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It opened the file while an earlier version kept it readable."""
    monkeypatch.setattr(serials, "_PATIENCE", 0.1)
    (ground / "cache").mkdir(mode=0o755)
    (ground / "cache" / "serials.lock").touch(0o644)
    with locked_by_nobody(ground / "cache" / "serials.lock"):
        SeenSerials(ground / "cache").note("store", signed("web@3", 3))
    assert SeenSerials(ground / "cache").seen("web").highest(None) == 3


def test_a_private_lock_that_is_not_given_up_is_an_error_and_not_a_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serials, "_PATIENCE", 0.1)
    SeenSerials(tmp_path).note("store", signed("web@1", 1))
    with (tmp_path / "serials.lock").open("rb") as stopped:
        fcntl.flock(stopped, fcntl.LOCK_EX)
        with pytest.raises(CacheBusyError, match="held by another process"):
            SeenSerials(tmp_path).note("store", signed("web@2", 2))


async def test_a_lock_of_a_layer_that_another_user_holds_since_before_is_replaced(
    ground: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "_SHORT_PATIENCE", 0.0)
    sample = sample_layer()
    folder = ground / "cache" / "layers" / sample.index.layer
    folder.mkdir(parents=True)
    (folder / "lock").touch(0o644)
    with locked_by_nobody(folder / "lock"):
        async with DirectoryCache(ground / "cache") as cache:
            with pytest.raises(CacheBusyError, match="being written by another process"):
                await cache.open(sample.index)
            layer = await cache.open(sample.index)
            await layer.close(clean=True)


async def test_a_cache_that_others_could_read_is_closed_and_that_is_told_once(ground: Path) -> None:
    cache = ground / "cache"
    (cache / "layers").mkdir(parents=True)
    told: list[list[str]] = []
    for _ in range(2):
        events: list[Troubled] = []
        async with DirectoryCache(cache, report=events.append) as opened:
            await opened.make_private()
        told.append([each.message for each in events])

    words = f"other users could read {cache}; its mode is 0700 now, instead of 0755, since releases may be private"
    assert told == [[words], []]

    def look() -> None:
        with pytest.raises(PermissionError):
            os.listdir(cache)

    do_as_nobody(look)


def test_a_fetch_says_once_that_others_could_read_its_cache(demo: Demo, tmp_path: Path, ground: Path) -> None:
    cache = ground / "cache"
    (cache / "layers").mkdir(parents=True)
    words = f"other users could read {cache}; its mode is 0700 now, instead of 0755, since releases may be private"
    for told in ([words], []):
        done = run(*demo.fetch("web", tmp_path, "--cache", cache, "--no-swarm"))
        assert done.code == 0, done
        assert [each["message"] for each in done.records if "could read" in each.get("message", "")] == told
