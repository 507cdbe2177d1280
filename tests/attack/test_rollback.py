"""Somebody who may write to the store shows hosts an older release, one of another line, or a serial out of reach."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

import dcdist
from dcdist.errors import DcdistError, LineError, RollbackError
from dcdist.model.identity import UNLINED, LineId
from dcdist.node.resolve import fetch_by_name
from tests.support.commands import dcdist as command
from tests.support.planted import FOREVER, PRODUCTION, RENEWED, STAGING, seal
from tests.support.publishing import KEY, OTHER_KEY, Publisher, noise

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from dcdist import FetchEvent, Store
    from dcdist.formats.signature import PublicKey


@dataclass
class Host:
    """A host that fetches `web` by name from a store."""

    store: Store
    folder: Path
    trust: tuple[PublicKey, ...] = (KEY.public,)

    async def fetch(self, wanted: str = "web", line: LineId | None = None) -> str:
        """The release that it brings; images and metadata are in `images`."""
        options = dcdist.FetchOptions(self.folder / "images", self.folder / "cache", line=line, swarm=False)
        self.told: list[FetchEvent] = []
        fetched = await fetch_by_name(self.store, wanted, options, trust=self.trust, report=self.told.append)
        return str(fetched.release)

    def file(self) -> str:
        """What its metadata says."""
        return (self.folder / "images" / "metadata" / "a.txt").read_text()


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[Host]:
    async with dcdist.open_store((tmp_path / "store").as_uri(), environment={}) as opened:
        yield Host(opened, tmp_path)


async def _publish(host: Host, name: str, content: str) -> None:
    folder = host.folder / "metadata"
    folder.mkdir(exist_ok=True)
    (folder / "a.txt").write_text(content)
    await Publisher(host.store, metadata=folder).publish(name, {"web.img": noise(len(content), 50_000)})


async def test_a_host_whose_fetch_failed_does_not_take_an_older_release_afterwards(host: Host) -> None:
    await _publish(host, "web@1", "hello")
    await seal(host.store, "web@1", 1, PRODUCTION)
    assert await host.fetch() == "web@1"
    await _publish(host, "web@3", "version three")
    release = await seal(host.store, "web@3", 3, PRODUCTION)
    segment = f"layers/{release.layers[-1].name}/segments/00000"
    content = await host.store.get(segment, limit=1 << 20)
    await host.store.delete(segment)
    with pytest.raises(DcdistError):
        await host.fetch()
    there = host.file()
    await host.store.delete("releases/web/3")

    with pytest.raises(RollbackError, match="web@1 with serial 1, but this host has seen serial 3"):
        await host.fetch()
    assert host.file() == there
    await host.store.put(segment, content)


async def test_a_release_is_noted_before_anything_of_it_is_written(host: Host) -> None:
    await seal(host.store, "web@1", 5, PRODUCTION)
    (host.folder / "images").write_text("in the way")
    with pytest.raises(dcdist.errors.DiskError):
        await host.fetch()
    (host.folder / "images").unlink()
    await seal(host.store, "web@1", 4, PRODUCTION)

    with pytest.raises(RollbackError):
        await host.fetch()


async def test_what_a_key_signed_that_is_not_trusted_any_more_blocks_nothing(host: Host) -> None:
    host.trust = (KEY.public, OTHER_KEY.public)
    await seal(host.store, "web@1", 1, PRODUCTION)
    assert await host.fetch() == "web@1"
    await seal(host.store, "web@9", FOREVER, PRODUCTION, keys=(OTHER_KEY,))
    assert await host.fetch() == "web@9"
    await host.store.delete("releases/web/9")
    with pytest.raises(RollbackError):
        await host.fetch()

    host.trust = (KEY.public,)
    assert await host.fetch() == "web@1"


async def test_a_line_that_a_stolen_key_made_is_left_when_the_key_is_withdrawn(host: Host) -> None:
    host.trust = (KEY.public, OTHER_KEY.public)
    await seal(host.store, "web@1", 4, PRODUCTION)
    await host.fetch()
    await seal(host.store, "web@9", 1, STAGING, (PRODUCTION,), keys=(OTHER_KEY,))
    assert await host.fetch() == "web@9"

    host.trust = (KEY.public,)
    assert await host.fetch() == "web@1"


async def test_the_many_lines_of_a_stolen_key_do_not_wash_away_what_another_key_signed(host: Host) -> None:
    host.trust = (KEY.public, OTHER_KEY.public)
    await seal(host.store, "web@1", 4, PRODUCTION)
    await host.fetch()
    before, thieves = PRODUCTION, [f"{number:032x}" for number in range(1, 161)]
    for number in range(0, 160, 16):
        line, *others = (LineId(each) for each in thieves[number : number + 16])
        await seal(host.store, f"web@t{number}", 1, line, (before, *others), keys=(OTHER_KEY,))
        before = line
    assert await host.fetch() == "web@t144"

    host.trust = (KEY.public,)
    await host.store.delete("releases/web/1")
    await seal(host.store, "web@0", 3, PRODUCTION)
    with pytest.raises(RollbackError, match="serial 4"):
        await host.fetch()


async def test_what_was_seen_in_one_store_says_nothing_of_another(host: Host) -> None:
    await seal(host.store, "web@1", 50, STAGING)
    await host.fetch()
    async with dcdist.open_store((host.folder / "production").as_uri(), environment={}) as other:
        await seal(other, "web@1", 2, PRODUCTION)
        assert await Host(other, host.folder).fetch() == "web@1"


async def test_a_release_of_another_store_under_the_same_key_is_not_the_latest(host: Host) -> None:
    await seal(host.store, "web@1", 1, PRODUCTION)
    assert await host.fetch() == "web@1"
    await seal(host.store, "web@2", 2, PRODUCTION)
    await seal(host.store, "web@50", 50, STAGING)

    assert await host.fetch() == "web@2"
    (note,) = [each for each in host.told if isinstance(each, dcdist.fetch_events.Troubled)]
    assert (note.kind, note.message) == (
        "passed_over", f"web@50 is passed over for web@2 (serial 2): it is of line {STAGING}",
    )  # fmt: skip
    with pytest.raises(LineError, match=f"--line {STAGING}"):
        await host.fetch("web@50")
    assert await host.fetch("web@50", STAGING) == "web@50"


async def test_a_release_of_another_line_alone_is_not_taken_for_the_hosts(host: Host) -> None:
    await seal(host.store, "web@1", 1, PRODUCTION)
    await host.fetch()
    await host.store.delete("releases/web/1")
    await seal(host.store, "web@50", 50, STAGING)

    with pytest.raises(LineError, match="which this host follows"):
        await host.fetch()


async def test_a_new_host_does_not_guess_between_two_lines(host: Host) -> None:
    await seal(host.store, "web@1", 1, PRODUCTION)
    await seal(host.store, "web@50", 50, STAGING)

    with pytest.raises(LineError, match=r"newest web@50, serial 50.*newest web@1, serial 1"):
        await host.fetch()
    assert await host.fetch(line=PRODUCTION) == "web@1"
    assert await host.fetch() == "web@1"


async def test_an_older_publish_of_a_version_that_was_seen_is_refused(host: Host) -> None:
    old = await seal(host.store, "web@1", 1, PRODUCTION)
    await host.fetch("web@1")
    await seal(host.store, "web@1", 2, PRODUCTION)
    await host.fetch("web@1")
    await seal(host.store, "web@1", old.serial, PRODUCTION)

    with pytest.raises(RollbackError, match="web@1 has serial 1, but this host has seen web@1 with serial 2"):
        await host.fetch("web@1")


async def test_a_new_line_leads_hosts_away_from_a_serial_that_is_out_of_reach(host: Host) -> None:
    await seal(host.store, "web@1", FOREVER, PRODUCTION)
    await host.fetch()
    await seal(host.store, "web@2", 1, RENEWED, (PRODUCTION,))
    assert await host.fetch() == "web@2"

    # The old one is still there, or comes back, and even claims to replace the new one.
    await seal(host.store, "web@0", FOREVER, PRODUCTION, (RENEWED,))
    assert await host.fetch() == "web@2"
    # Those that said that it was replaced are gone.
    await seal(host.store, "web@2", 1, RENEWED)
    assert await host.fetch() == "web@2"
    await seal(host.store, "web@3", 2, RENEWED, (PRODUCTION,))
    assert await host.fetch() == "web@3"


async def test_a_new_line_leads_hosts_away_from_a_poisoned_serial_of_before_there_were_lines(host: Host) -> None:
    (host.folder / "cache").mkdir(mode=0o700)
    (host.folder / "cache" / "serials.json").write_text(f'{{"web": {FOREVER}}}')
    await seal(host.store, "web@1", 1, PRODUCTION, (UNLINED,))
    await seal(host.store, "web@0", FOREVER)
    assert await host.fetch() == "web@1"


async def test_a_serial_of_an_older_dcdist_guards_and_is_let_go_of_with_a_word(host: Host) -> None:
    (host.folder / "cache").mkdir(mode=0o700)
    (host.folder / "cache" / "serials.json").write_text(f'{{"web": {FOREVER}}}')
    await seal(host.store, "web@1", 1, PRODUCTION)
    with pytest.raises(RollbackError, match=f"--line {PRODUCTION}"):
        await host.fetch()

    assert await host.fetch(line=PRODUCTION) == "web@1"
    assert await host.fetch() == "web@1"


async def test_the_commands_choose_a_line_and_remember_it(host: Host) -> None:
    await seal(host.store, "web@1", 1, PRODUCTION)
    await seal(host.store, "web@50", 50, STAGING)
    (host.folder / "publisher.pub").write_text(KEY.public.to_pem())
    at = ["--store", str(host.store), "--trust", host.folder / "publisher.pub", "--json"]
    fetch = ["fetch", "web", *at, "--dest", host.folder / "images", "--cache", host.folder / "cache", "--no-swarm"]

    torn = command(*fetch)
    assert (torn.code, torn.last("error")["kind"]) == (4, "LineError")
    assert command("show", "web@1", *at).last("release")["line"] == PRODUCTION
    assert command("show", "web", *at, "--line", STAGING).last("release")["release"] == "web@50"
    assert command("show", "web", *at).last("error")["kind"] == "LineError"
    assert [each["line"] for each in command("ls", *at).records] == [PRODUCTION, STAGING]
    assert command(*fetch, environment={"DCDIST_LINE": PRODUCTION}).last("fetched")["release"] == "web@1"
    assert command(*fetch).last("fetched")["release"] == "web@1"
    assert command(*fetch, "--line", "x").code == 2
