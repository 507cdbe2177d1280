"""What a writer to a directory store, or another user of its host, plants there: links, pipes, devices, nests.

Nothing outside of the store is read, written or listed; every listing and every wait ends; one planted thing costs no
release. The root itself may be a link: its user named it.
"""

from __future__ import annotations

import itertools
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dcdist.errors import ObjectMissingError, StoreDeniedError, StoreError, StoreUnavailableError
from dcdist.store import listing_bounds, open_store
from dcdist.store.directory import below_root
from dcdist.store.directory.directory_listing import entries_under
from dcdist.store.directory.directory_store import DirectoryStore
from dcdist.store.listing_bounds import WHOLE, ListingBounds, ListingMeter
from tests.contract.store_suite import read
from tests.support.commands import ROOT, dcdist, demo
from tests.support.other_user import do_as_nobody, needs_another_user

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from dcdist.model.trouble import Troubled
    from dcdist.ports.store import Store
    from tests.support.commands import Demo

__all__ = ["demo"]


@pytest.fixture
def told() -> list[Troubled]:
    """What the store remarked upon."""
    return []


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The folder of the store."""
    (tmp_path / "store").mkdir()
    return tmp_path / "store"


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder that is none of the store's business, with a file."""
    (tmp_path / "outside" / "folder").mkdir(parents=True)
    (tmp_path / "outside" / "file").write_bytes(b"precious")
    return tmp_path / "outside"


@pytest.fixture
async def store(root: Path, told: list[Troubled]) -> AsyncIterator[Store]:
    async with open_store(root.as_uri(), environment={}, report=told.append) as opened:
        yield opened


async def keys(store: Store, prefix: str = "", *, look: bool = False) -> list[str]:
    """What a listing has."""
    return [entry.key for entry in (await store.list(prefix, look=look)).entries]


def contents(folder: Path) -> dict[str, bytes | None]:
    """Every path below a folder, and what is in its files."""
    return {str(each.relative_to(folder)): each.read_bytes() if each.is_file() else None for each in folder.rglob("*")}


async def test_nothing_is_written_through_a_folder_that_is_a_link(
    store: Store, root: Path, outside: Path, told: list[Troubled]
) -> None:
    before = contents(outside)
    (root / "swarm").symlink_to(outside)
    (root / "layers").mkdir()
    (root / "layers" / "aa").symlink_to("../../outside/folder")

    for key in ("swarm/heartbeat", "swarm/web/realm/heartbeat", "swarm/file", "layers/aa/segment"):
        for if_absent in (False, True):
            with pytest.raises(StoreDeniedError, match="is in the way: it is not a folder but a symbolic link"):
                await store.put(key, b"EVIL", if_absent=if_absent)
        await store.delete(key)

    assert contents(outside) == before
    assert [each.source for each in told] == [f"{store}/swarm", f"{store}/layers/aa"]


async def test_an_object_that_is_a_link_is_replaced_and_deleted_itself_and_never_read(
    store: Store, root: Path, outside: Path
) -> None:
    for target in (outside / "file", outside / "folder", outside / "new", Path("missing")):
        (root / "key").symlink_to(target)
        with pytest.raises(ObjectMissingError, match="key is a symbolic link; below a store's root no link is"):
            await store.get("key", limit=100)
        with pytest.raises(ObjectMissingError):
            await read(store, "key", 0, 1)
        with pytest.raises(StoreDeniedError, match="not an object but a symbolic link"):
            await store.put("key", b"new", if_absent=True)
        await store.put("key", b"new")
        assert await store.get("key", limit=100) == b"new"
        (root / "key").unlink()
        (root / "key").symlink_to(target)
        await store.delete("key")
        assert contents(root) == {}

    os.link(outside / "file", root / "key")
    await store.put("key", b"new")
    assert contents(outside) == {"file": b"precious", "folder": None}


async def test_a_name_that_becomes_a_link_again_and_again_leads_nowhere(
    store: Store, root: Path, outside: Path
) -> None:
    """The attacker puts a link in a folder's place as fast as it can, while objects come and go."""
    over = threading.Event()

    def swap() -> None:
        for number in itertools.count():
            if over.is_set():
                return
            with suppress(OSError):
                os.rename(root / "folder", root / f"aside-{number}")
            with suppress(OSError):
                os.symlink(outside, root / "folder")
                os.unlink(root / "folder")

    attacker = threading.Thread(target=swap)
    attacker.start()
    listed: set[str] = set()
    try:
        for number in range(150):
            for attempt in (
                store.put(f"folder/{number}", b"x"),
                store.put(f"folder/deep/{number}", b"x", if_absent=True),
                store.delete("folder/file"),
            ):
                try:
                    await attempt
                except StoreError:
                    continue  # the attacker was faster
            listed.update(await keys(store, "folder/"))
            with pytest.raises(StoreError):
                await store.get("folder/file", limit=100)
    finally:
        over.set()
        attacker.join()

    assert contents(outside) == {"file": b"precious", "folder": None}
    assert "folder/file" not in listed


@pytest.mark.parametrize("target", [".", "..", "/", "../outside", "/proc", "a", "missing"])
async def test_a_listing_follows_no_link(
    store: Store, root: Path, outside: Path, told: list[Troubled], target: str
) -> None:
    del outside
    folder = root / "releases" / "web"
    folder.mkdir(parents=True)
    (folder / "1").write_bytes(b"x")
    for name in ("a", "b"):
        (folder / name).symlink_to(target)

    assert await keys(store) == ["releases/web/1"]
    assert await keys(store, "releases/web/") == ["releases/web/1"]
    assert await keys(store, "releases/web/a/") == []
    # Two links, and one note: who may write there can make any number.
    assert len(told) == 1
    assert "it is a symbolic link" in told[0].message


async def test_a_root_that_is_a_link_is_the_users_own_choice(tmp_path: Path, root: Path) -> None:
    (tmp_path / "by another name").symlink_to(root)
    async with open_store((tmp_path / "by another name").as_uri(), environment={}) as store:
        await store.put("folder/key", b"x", if_absent=True)
        assert await keys(store) == ["folder/key"]
        assert await store.get("folder/key", limit=1) == b"x"

    assert (root / "folder" / "key").read_bytes() == b"x"


def make_pipe(path: Path) -> None:
    """A pipe, which whoever opens it to read waits at for a writer."""
    os.mkfifo(path)


def make_socket(path: Path) -> None:
    """A socket."""
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(os.path.relpath(path))


def make_device(path: Path) -> None:
    """A device: a terminal, which would become that of the process."""
    os.mknod(path, 0o600 | 0o020000, os.makedev(5, 0))


@pytest.mark.parametrize("make", [make_pipe, make_socket, pytest.param(make_device, marks=needs_another_user)])
async def test_what_is_not_a_file_is_passed_over_and_waited_for_by_nobody(
    store: Store, root: Path, told: list[Troubled], make: Callable[[Path], None]
) -> None:
    (root / "releases").mkdir()
    (root / "releases" / "1").write_bytes(b"x")
    make(root / "releases" / "key")

    assert await keys(store) == ["releases/1"]
    for key in ("releases/key", "releases/key/below"):
        with pytest.raises(ObjectMissingError, match="there is no such object: releases/key is a "):
            await store.get(key, limit=100)
        with pytest.raises(ObjectMissingError):
            await read(store, key, 0, 1)
    with pytest.raises(StoreDeniedError, match="not an object but a "):
        await store.put("releases/key", b"x", if_absent=True)
    await store.put("releases/key", b"x")
    assert await store.get("releases/key", limit=1) == b"x"
    assert [each.source for each in told] == [f"{store}/releases/key"]


async def test_a_pipe_that_takes_a_files_place_is_not_waited_at(
    store: Store, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "key").write_bytes(b"x")
    require_file = below_root._require_file

    def swap(state: os.stat_result, key: str) -> None:
        require_file(state, key)
        (root / "key").unlink()
        os.mkfifo(root / "key")

    monkeypatch.setattr(below_root, "_require_file", swap)
    with pytest.raises(ObjectMissingError, match="is a pipe"):
        await store.get("key", limit=1)


async def test_a_deep_nest_is_listed_to_its_end_or_to_that_of_keys(store: Store, root: Path) -> None:
    place = os.open(root, os.O_RDONLY)
    for _ in range(450):
        os.mkdir("d", dir_fd=place)
        below = os.open("d", os.O_RDONLY, dir_fd=place)
        os.close(place)
        place = below
    os.close(place)
    (root / "d" / "d" / "key").touch()

    assert await keys(store) == ["d/d/key"]
    assert await keys(store, "d/" * 399) == []


async def test_a_flood_of_names_ends_a_listing_with_a_reason_and_a_look_takes_what_fits(
    store: Store, root: Path, told: list[Troubled], monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(2000):
        (root / f"{number:04}").touch()
    small = ListingBounds(memory=1000 * (350 + 4), seconds=60.0)
    monkeypatch.setattr(listing_bounds, "WHOLE", small)
    monkeypatch.setattr(listing_bounds, "LOOK", small)

    with pytest.raises(StoreError, match="the listing of everything does not end: 1025 names need more memory"):
        await store.list("")
    assert len(await keys(store, look=True)) == 1024
    assert len(await keys(store, look=True)) == 1024
    assert ["not all of the store is looked at" in each.message for each in told] == [True]


@needs_another_user
def test_a_folder_that_a_host_may_not_read_hides_nothing_else() -> None:
    """Run by a host without root's rights: what another user closed is passed over."""
    with tempfile.TemporaryDirectory() as made:
        root = Path(made)
        (root / "releases" / "web" / "closed").mkdir(parents=True)
        (root / "releases" / "web" / "closed").chmod(0)
        (root / "releases" / "web" / "1").write_bytes(b"x")
        root.chmod(0o755)

        def list_them() -> None:
            found = entries_under(root, "releases/web/", ListingMeter(WHOLE, now=time.monotonic()))
            assert [entry.key for entry in found.entries] == ["releases/web/1"], found
            assert found.passed_over == {"releases/web/closed": "a folder that may not be read"}, found

        do_as_nobody(list_them)


async def test_a_file_system_that_never_answers_is_left_behind(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answered = threading.Event()
    (root / "key").write_bytes(b"x")
    stat = os.stat

    def hang(*arguments: object, **more: object) -> os.stat_result:
        answered.wait()
        return stat(*arguments, **more)  # type: ignore[arg-type]

    store = DirectoryStore(root, silence=0.05)
    with monkeypatch.context() as patched:
        patched.setattr(os, "stat", hang)
        with pytest.raises(StoreUnavailableError, match="the file system does not answer"):
            await store.get("key", limit=1)
        answered.set()
    await store.close()


HANGING = """
import os, sys, threading
from dcdist.cli.entry import run

def hang(*_, **__):
    print("hangs", flush=True)
    threading.Event().wait()

os.scandir = hang
sys.exit(run(sys.argv[1:]))
"""


@pytest.mark.parametrize("command", ["ls", "fetch"])
def test_sigterm_ends_a_command_whose_store_hangs(demo: Demo, tmp_path: Path, command: str) -> None:
    """A thread stands for a call to a lost NFS server, which nothing interrupts either."""
    more = ["--trust", demo.trust, "--dest", tmp_path / "d", "--cache", tmp_path / "c"] if command == "fetch" else []
    words = [sys.executable, "-c", HANGING, command, "web", "--store", demo.store, *map(str, more)]
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            assert process.stdout is not None
            next(line for line in process.stdout if "hangs" in line)
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 128 + signal.SIGTERM


def test_planted_links_and_pipes_cost_no_release(demo: Demo, tmp_path: Path) -> None:
    """All of it at once, and the commands that hosts run."""
    folder = Path(demo.store.removeprefix("file://")) / "releases" / "web"
    for name, target in (("a", "."), ("b", "."), ("c", "/")):
        (folder / name).symlink_to(target)
    os.mkfifo(folder / "9")
    (tmp_path / "elsewhere").mkdir()
    swarm = folder.parents[1] / "swarm"
    swarm.symlink_to(tmp_path / "elsewhere")
    try:
        listed = dcdist("ls", "web", "--store", demo.store)
        named = dcdist("show", "web@9", "--store", demo.store)
        fetched = dcdist(
            "fetch", "web", "--store", demo.store, "--trust", demo.trust, "--dest", tmp_path / "dest", "--cache",
            tmp_path / "cache", "--listen", "127.0.0.1:0", "--seed-for", "0",
        )  # fmt: skip
    finally:
        swarm.unlink()
        for name in ("a", "b", "c", "9"):
            (folder / name).unlink()

    assert (listed.code, listed.out.count("web@")) == (0, 2), listed
    assert "it is a " in listed.err
    assert named.code == 8, named
    assert fetched.code == 0, fetched
    assert list((tmp_path / "elsewhere").iterdir()) == []
