"""Somebody who may write to the store, and has no key, puts objects where releases are.

Nothing of that ends a fetch, holds it up for long, fills its memory, or decides which release it brings.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

import dcdist
from dcdist.catalog import find, releases, signed_releases
from dcdist.errors import NewerFormatError, SignatureError, StoreDeniedError, StoreUnavailableError
from dcdist.formats import manifest
from dcdist.model.identity import ReleaseName
from dcdist.model.release import MetadataFile, Release
from dcdist.policy.requests.retry import Backoff
from dcdist.store.wrapped import Wrapped
from tests.support.commands import ROOT
from tests.support.commands import dcdist as command
from tests.support.planted import FOREVER, MIB, bomb, newer_format, seal, unsigned
from tests.support.publishing import KEY, OTHER_KEY, Publisher, noise

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from dcdist import PublicKey, Store
    from dcdist.model.release import SignedRelease
    from dcdist.model.trouble import Troubled
    from dcdist.ports.store import Listing
    from tools.lab.swift import Swift

TRUST = [KEY.public]
EVIL = Release(ReleaseName("web", "evil"), FOREVER, (), (), ())
PLANTED = {
    "empty": b"",
    "garbage": noise(1, 5000),
    "a page": b"<html>a page</html>",
    "unsigned": unsigned(EVIL, signer=""),
    "a stranger's": manifest.seal(EVIL, OTHER_KEY),
    "forged": unsigned(EVIL),
    "in a newer format": newer_format(EVIL),
    "a bomb": bomb("web@evil"),
    "another name's": manifest.seal(replace(EVIL, name=ReleaseName("web", "other")), KEY),
    "another demo's": manifest.seal(replace(EVIL, name=ReleaseName("db", "evil")), KEY),
    "too long": noise(2, 17 * MIB),
    "a line end in a signer's id": unsigned(EVIL, signer="0123\nforged line"),
}


class Counting(Wrapped):
    """Counts how often each object is read, and fails or hangs for some."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.reads: Counter[str] = Counter()
        self.hanging: set[str] = set()
        self.denied: set[str] = set()
        self.lies = False

    async def get(self, key: str, *, limit: int) -> bytes:
        self.reads[key] += 1
        if key in self.hanging:
            await asyncio.Event().wait()
        if key in self.denied:
            raise StoreDeniedError(f"{key}: permission denied", store=str(self), key=key)
        return await super().get(key, limit=limit)

    async def list(self, prefix: str, *, look: bool = False) -> Listing:
        listing = await super().list(prefix, look=look)
        return (
            replace(listing, entries=tuple(replace(each, size=1) for each in listing.entries)) if self.lies else listing
        )


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Counting]:
    """It has `web@1`, and the most that was read of each object is known."""
    async with dcdist.open_store((tmp_path / "store").as_uri(), environment={}) as opened:
        await Publisher(opened).publish("web@1", {"web.img": noise(3, 20_000)})
        yield Counting(opened)


async def _latest(store: Store, told: list[Troubled] | None = None) -> str:
    release = await dcdist.find_release(store, "web", trust=TRUST, report=None if told is None else told.append)
    return str(release.name)


@pytest.mark.parametrize("body", PLANTED.values(), ids=PLANTED.keys())
async def test_one_planted_object_ends_no_fetch_and_is_told(store: Counting, body: bytes) -> None:
    await store.put("releases/web/evil", body)
    told: list[Troubled] = []

    assert await _latest(store, told) == "web@1"
    assert (told[-1].kind, told[-1].source) == ("passed_over", f"{store}/releases/web/evil")
    assert all(each.message.isprintable() for each in told)
    # Nobody waited for it: it was read once more at most, at once.
    assert [each.message for each in told[:-1] if "the next is in 0.0 s" not in each.message] == []
    assert store.reads["releases/web/evil"] <= 3


async def test_an_object_that_may_not_be_read_ends_no_fetch_either(store: Counting) -> None:
    await store.put("releases/web/evil", b"")
    store.denied.add("releases/web/evil")
    told: list[Troubled] = []

    assert await _latest(store, told) == "web@1"
    assert "permission denied" in told[-1].message
    assert (await dcdist.list_releases(store, "web")).unreadable[0].key == "releases/web/evil"


def test_the_command_brings_the_release_and_says_what_it_passed_over(tmp_path: Path) -> None:
    (tmp_path / "a.img").write_bytes(b"a" * 10_000)
    keys = dcdist.generate_keys(tmp_path / "keys")
    url = (tmp_path / "store").as_uri()
    dcdist.publish_release(url, "web@1", tmp_path / "a.img", key=keys.key)
    for number, body in enumerate(PLANTED.values()):
        (tmp_path / "store" / "releases" / "web" / f"evil{number}").write_bytes(body)
    to = ["--dest", tmp_path / "images", "--cache", tmp_path / "cache", "--no-swarm", "--json"]
    done = command("fetch", "web", "--store", url, "--trust", keys.public, *to)

    assert (done.code, done.last("fetched")["release"], done.err) == (0, "web@1", "")
    passed = [each for each in done.records if each.get("kind") == "passed_over"]
    assert len(passed) == 6, "the newest five, and the number of the others"
    shown = command("show", "web", "--store", url, "--trust", keys.public, "--json").last("release")
    assert (shown["release"], shown["trusted"]) == ("web@1", True)


async def test_a_newer_format_ends_a_search_only_where_there_is_nothing_else(store: Counting) -> None:
    await store.put("releases/web/1", newer_format(EVIL))
    with pytest.raises(NewerFormatError, match="upgrade dcdist"):
        await _latest(store)


async def test_strangers_releases_alone_are_told_as_such(store: Counting) -> None:
    for version in ("1", "2"):
        await store.put(f"releases/web/{version}", PLANTED["unsigned"])
    with pytest.raises(SignatureError, match="no release of web is signed by a trusted key"):
        await _latest(store)


async def test_forged_objects_are_read_once_whatever_their_number(store: Counting, tmp_path: Path) -> None:
    for number in range(1000):
        forged = unsigned(replace(EVIL, name=ReleaseName("web", f"x{number}")))
        (tmp_path / "store" / "releases" / "web" / f"x{number}").write_bytes(forged)
    told: list[Troubled] = []

    assert await _latest(store, told) == "web@1"
    assert store.reads.total() <= 1001 + 8
    assert len(told) <= 8 + 5 + 1 + 1


async def test_what_unpacks_to_much_comes_after_all_others(store: Counting, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand of these would take a minute, and come before and after the release."""
    opened: list[int] = []

    def open_signed(data: bytes, trusted: Sequence[PublicKey]) -> SignedRelease:
        opened.append(manifest.unpacked_size(data))
        return real(data, trusted)

    real = manifest.open_signed
    monkeypatch.setattr(manifest, "open_signed", open_signed)
    for number in range(12):
        await store.put(f"releases/web/x{number}", bomb(f"web@x{number}"))

    assert await _latest(store) == "web@1"
    assert opened[0] < 1 * MIB < min(opened[1:])


async def test_where_there_is_nothing_else_a_few_damaged_objects_are_read_again_for_a_bounded_time(
    store: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signed_releases, "PATIENT", Backoff(tries=3, first=0.0))
    await store.delete("releases/web/1")
    for number in range(100):
        await store.put(f"releases/web/x{number}", b"")

    with pytest.raises(dcdist.errors.FormatError):
        await _latest(store)
    assert store.reads.total() == 100 + 3 * 8


async def test_objects_that_hang_hold_nobody_up_beyond_the_limit(
    store: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signed_releases, "ENOUGH", 0.5)
    for number in range(7):
        await store.put(f"releases/web/x{number}", b"")
        store.hanging.add(f"releases/web/x{number}")
    told: list[Troubled] = []

    assert await _latest(store, told) == "web@1"
    assert told[-1].message == (
        "7 of 8 objects that may be releases of web were not read in time: a newer one than web@1 may be among them"
    )


async def test_where_all_hang_the_search_ends_too(store: Counting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(find, "LIMIT", 0.5)
    store.hanging.add("releases/web/1")
    for wanted in ("web", "web@1"):
        with pytest.raises(StoreUnavailableError, match=f"{wanted} was not found within"):
            await dcdist.find_release(store, wanted, trust=TRUST)


async def test_a_listing_that_lies_about_lengths_hides_no_release(store: Counting) -> None:
    line = (await dcdist.find_release(store, "web@1", trust=TRUST)).line
    long = Release(ReleaseName("web", "2"), 2, (), (), (MetadataFile("a", noise(5, 300_000)),), line)
    await store.put("releases/web/2", manifest.seal(long, KEY))
    store.lies = True

    assert await _latest(store) == "web@2"
    assert [str(each.release.name) for each in (await dcdist.list_releases(store)).readable] == ["web@1", "web@2"]


_MEASURED = """
import asyncio, gc, sys, dcdist
from pathlib import Path
from dcdist.catalog import read_again
from dcdist.node.key_files import read_public_key
from dcdist.policy.requests.retry import Backoff
read_again.PATIENT = Backoff(tries=5, first=0.0)
async def main():
    trust = [read_public_key(Path(sys.argv[2]))]
    async with dcdist.open_store(sys.argv[1], environment={}) as store:
        for _ in range(2):
            await dcdist.find_release(store, "web", trust=trust)
            try:
                await dcdist.find_release(store, "web@x1", trust=trust)
            except dcdist.DcdistError:
                pass
            await dcdist.list_releases(store)
            await dcdist.describe(store, "web", trust=trust)
gc.disable()  # as in the process of a fetch while it looks for the release
asyncio.run(main())
print(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
"""


def _memory(url: str, key: Path) -> int:
    """Bytes that a process had at most that looked for the release, and listed all."""
    done = subprocess.run(
        [sys.executable, "-c", _MEASURED, url, key], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return int(done.stdout) * 1024


@pytest.mark.parametrize(("length", "limit"), [("short", 64 * MIB), ("long", 192 * MIB)])
async def test_memory_stays_bounded_whatever_is_planted(
    store: Counting, tmp_path: Path, length: str, limit: int
) -> None:
    """Sixteen objects that unpack to 16 MiB, of some hundred bytes or of 16 MiB."""
    (tmp_path / "publisher.pub").write_text(KEY.public.to_pem())
    before = await asyncio.to_thread(_memory, str(store), tmp_path / "publisher.pub")
    for number in range(16):
        body = bomb(f"web@x{number}") if length == "short" else unsigned(EVIL, noise(number, 16 * MIB - 4000))
        await store.put(f"releases/web/x{number}", body)
    after = await asyncio.to_thread(_memory, str(store), tmp_path / "publisher.pub")

    assert after - before < limit


async def test_what_nobody_signed_is_listed_up_to_a_bound_and_the_rest_is_told(store: Counting) -> None:
    content = MetadataFile("a", bytes(4 * MIB))
    for number in range(20):
        planted = Release(ReleaseName("web", f"x{number}"), 1, (), (), (content,))
        await store.put(f"releases/web/x{number}", unsigned(planted))
    found = await dcdist.list_releases(store, "web", trust=TRUST)

    assert sum(len(file.content) for each in found.readable for file in each.release.metadata) <= releases.HELD
    assert len(found.readable) + len(found.unreadable) == 21
    assert [str(each.release.name) for each in found.readable if each.latest] == ["web@1"]


async def test_on_a_real_swift_it_is_the_same(swift: Swift, container: str) -> None:
    async with dcdist.open_store(f"swift://{container}/demos", environment=swift.environment) as opened:
        await seal(opened, "web@1", 1)
        for number, body in enumerate(PLANTED.values()):
            await opened.put(f"releases/web/evil{number}", body)
        told: list[Troubled] = []

        assert await _latest(opened, told) == "web@1"
        assert len([each for each in told if each.kind == "passed_over"]) == 6
