"""A writer to the store, without any key, tries to decide which serial a publisher signs, or to stop it for ever."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from dcdist.errors import ReleaseExistsError, UsageError
from dcdist.formats import manifest
from dcdist.formats.signature import PrivateKey
from dcdist.model.identity import UNLINED, LineId, ReleaseName
from dcdist.model.release import Release
from dcdist.publishing import LineChoice, NotShared, Published, PublishProgress
from dcdist.store.directory.directory_store import DirectoryStore
from tests.support.commands import Done, dcdist
from tests.support.format_objects import take_apart
from tests.support.publishing import CHUNK, KEY, Publisher, noise
from tests.support.rebuilt import open_release, rebuilt_images

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

LAST = (1 << 63) - 1
ATTACKER = PrivateKey(b"a" * 32)
STAGING = LineId("5" * 32)
IMAGES = {"web.img": noise(1, 3 * CHUNK)}


def planted(version: str, serial: int, *, key: PrivateKey = ATTACKER, line: LineId | None = None) -> bytes:
    """A manifest of `web@version`, by anybody."""
    return manifest.seal(Release(ReleaseName("web", version), serial, (), (), (), line), key)


class Site:
    """A store in a directory, a publisher with its key, and somebody who may write there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = DirectoryStore(folder)
        self.events: list[object] = []

    async def publish(self, name: str, lines: LineChoice | None = None, *, other_signer: bool = False) -> Published:
        publisher = Publisher(self.store, lines=lines or LineChoice(), other_signer=other_signer)
        try:
            return await publisher.publish(name, IMAGES)
        finally:
            self.events = list(publisher.events)

    def plant(self, version: str, data: bytes) -> Path:
        path = self.folder / "releases" / "web" / version
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    def objects(self) -> set[Path]:
        return {path for path in self.folder.rglob("*") if path.is_file()}


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    site = Site(tmp_path / "store")
    yield site
    await site.store.close()


@asynccontextmanager
async def aclosed(store: DirectoryStore) -> AsyncIterator[DirectoryStore]:
    try:
        yield store
    finally:
        await store.close()


def with_the_publishers_name(line: LineId | None) -> bytes:
    """It names the publisher's key, and the signature is the attacker's."""
    evil = planted("evil", LAST - 1, line=line)
    opened = take_apart(evil)
    opened.body["signatures"] = [
        {"key": KEY.public.identity, "signature": ATTACKER.sign(b"dcdist manifest 1\0" + bytes(64))}
    ]
    return opened.packed()


@pytest.mark.parametrize(
    "evil",
    [
        lambda _: planted("evil", LAST - 1), lambda line: planted("evil", LAST - 1, line=line),
        lambda line: planted("evil", LAST, line=line), lambda _: planted("evil", LAST - 1, line=STAGING),
        lambda line: planted("evil", 2, line=line), with_the_publishers_name,
    ],
    ids=["of no line", "near the last", "the last", "of another line", "by one", "with the publisher's name"],
)  # fmt: skip
async def test_an_object_that_no_trusted_key_signed_does_not_move_the_serial(
    site: Site, evil: Callable[[LineId | None], bytes]
) -> None:
    first = await site.publish("web@1")
    path = site.plant("evil", evil(first.release.line))

    second = await site.publish("web@2")
    path.unlink()
    third = await site.publish("web@3")

    assert [each.release.serial for each in (first, second, third)] == [1, 2, 3]
    assert {each.release.line for each in (first, second, third)} == {first.release.line}
    assert await rebuilt_images(site.store, await open_release(site.store, third.release.name, KEY.public)) == IMAGES


async def test_the_stranger_is_named_with_what_to_do_and_cannot_stop_the_publishes(site: Site) -> None:
    await site.publish("web@1")
    site.plant("evil", planted("evil", 77))

    assert (await site.publish("web@2")).release.serial == 2
    (note,) = [event for event in site.events if isinstance(event, NotShared)]
    assert note.key == "releases/web/evil"
    assert "its serial 77 does not count; if it is of another publisher" in note.reason


async def test_of_a_thousand_strangers_a_few_are_named_and_the_rest_counted(site: Site) -> None:
    await site.publish("web@1")
    for number in range(1000):
        site.plant(f"evil-{number}", planted(f"evil-{number}", number) if number % 2 else b"rubbish")

    assert (await site.publish("web@2")).release.serial == 2
    notes = [event for event in site.events if isinstance(event, NotShared)]
    assert len(notes) == 12
    assert [note.reason for note in notes if note.key.endswith("/")] == ["495 more are passed over"] * 2


async def test_a_release_with_a_serial_that_was_poisoned_before_is_told_of_at_once_and_a_new_line_is_the_way_back(
    site: Site,
) -> None:
    # What a publisher of before signed beside an evil object: the last serial, of no line.
    site.plant("1", planted("1", 1, key=KEY))
    site.plant("3", planted("3", LAST, key=KEY))
    before = site.objects()

    with pytest.raises(
        UsageError, match=r"web@3 has serial 9223372036854775807.*--new-line .*hosts follow the new line"
    ):
        await site.publish("web@4")
    assert not [event for event in site.events if isinstance(event, PublishProgress)]
    assert site.objects() == before

    back = await site.publish("web@4", LineChoice(new=True))
    on = await site.publish("web@5")
    assert (back.release.serial, back.new_line, back.release.replaces) == (1, True, (UNLINED,))
    assert (on.release.serial, on.new_line, on.release.line) == (2, False, back.release.line)


async def test_a_serial_that_a_thief_of_the_key_signed_is_left_behind_by_a_new_line(site: Site) -> None:
    first = await site.publish("web@1")
    site.plant("stolen", planted("stolen", LAST, key=KEY, line=first.release.line))

    with pytest.raises(UsageError, match=r"web@stolen has serial 9223372036854775807.*hosts follow the new line"):
        await site.publish("web@2")
    back = await site.publish("web@2", LineChoice(new=True))
    on = await site.publish("web@3")

    assert (back.release.serial, back.release.replaces) == (1, (first.release.line,))
    assert (on.release.serial, on.release.replaces) == (2, (first.release.line,))


async def test_a_staging_release_that_was_copied_in_continues_nothing_unless_its_line_is_named(site: Site) -> None:
    first = await site.publish("web@1")
    site.plant("st-50", planted("st-50", 50, key=KEY, line=STAGING))
    before = site.objects()

    with pytest.raises(UsageError, match=rf"releases of several lines.*{STAGING} \(newest: web@st-50\)"):
        await site.publish("web@2")
    assert site.objects() == before
    second = await site.publish("web@2", LineChoice(line=first.release.line))
    assert (second.release.serial, second.release.line) == (2, first.release.line)


async def test_a_demo_that_others_occupied_first_is_begun_only_if_that_is_meant(site: Site) -> None:
    site.plant("evil", planted("evil", LAST))

    with pytest.raises(UsageError, match=r"web has releases, such as web@evil, and neither this key .*--other-signer"):
        await site.publish("web@1")
    begun = await site.publish("web@1", other_signer=True)
    assert (begun.release.serial, (await site.publish("web@2")).release.serial) == (1, 2)


async def test_a_newest_release_that_vanishes_during_a_publish_keeps_its_serial(site: Site) -> None:
    await site.publish("web@1")
    await site.publish("web@2")

    class Robbed(DirectoryStore):
        async def put(
            self, key: str, body: bytes | memoryview, *, if_absent: bool = False, expires_in: float | None = None
        ) -> None:
            if key.startswith("images/"):
                (site.folder / "releases" / "web" / "2").unlink()
            await super().put(key, body, if_absent=if_absent, expires_in=expires_in)

    async with aclosed(Robbed(site.folder)) as robbed:
        published = await Publisher(robbed).publish("web@3", IMAGES)
    assert published.release.serial == 3


async def test_a_version_whose_older_manifest_comes_back_during_a_publish_keeps_its_serial(site: Site) -> None:
    await site.publish("web@1")
    older = (site.folder / "releases" / "web" / "1").read_bytes()
    await site.publish("web@2")
    (site.folder / "releases" / "web" / "1").unlink()
    assert (await site.publish("web@1")).release.serial == 3

    class PutBack(DirectoryStore):
        async def put(
            self, key: str, body: bytes | memoryview, *, if_absent: bool = False, expires_in: float | None = None
        ) -> None:
            if key.startswith("images/"):
                site.plant("1", older)
            await super().put(key, body, if_absent=if_absent, expires_in=expires_in)

    async with aclosed(PutBack(site.folder)) as put_back:
        published = await Publisher(put_back).publish("web@3", IMAGES)
    assert published.release.serial == 4


def garbage(_: Site) -> bytes:
    return b"rubbish"


def too_large(_: Site) -> bytes:
    return bytes((16 << 20) + 1)


def copied(site: Site) -> bytes:
    return (site.folder / "releases" / "web" / "1").read_bytes()


@pytest.mark.parametrize("made", [garbage, too_large, copied, lambda _: planted("2", 1)])
async def test_an_object_in_the_place_of_a_version_is_not_taken_for_it_and_the_message_says_what_to_do(
    site: Site, made: Callable[[Site], bytes]
) -> None:
    await site.publish("web@1")
    path = site.plant("2", made(site))

    with pytest.raises(ReleaseExistsError) as caught:
        await site.publish("web@2")
    assert "choose another version, or, if nobody should have put it there, delete the object releases/web/2" in str(
        caught.value
    )
    assert (await site.publish("web@3")).release.serial == 2
    path.unlink()
    assert (await site.publish("web@2")).release.serial == 3


async def test_an_existing_release_does_not_pass_for_the_new_line_that_was_asked_for(site: Site) -> None:
    first = await site.publish("web@1")

    assert (await site.publish("web@1", LineChoice(line=first.release.line))).existed
    for choice in (LineChoice(new=True), LineChoice(line=STAGING), LineChoice(replaces=(STAGING,))):
        with pytest.raises(ReleaseExistsError, match="a release never changes: choose another version"):
            await site.publish("web@1", choice)


async def test_a_staging_release_of_the_same_content_is_not_taken_for_published_where_hosts_pass_it_over(
    site: Site, tmp_path: Path
) -> None:
    first = await site.publish("web@1")
    staging = Site(tmp_path / "staging")
    copied = await staging.publish("web@2")
    await staging.store.close()
    path = site.plant("2", (staging.folder / "releases" / "web" / "2").read_bytes())

    match = rf"web@2 exists with this content in line {copied.release.line}, while web goes on in line .*--line"
    with pytest.raises(ReleaseExistsError, match=match):
        await site.publish("web@2")
    assert (await site.publish("web@2", LineChoice(line=copied.release.line))).existed
    path.unlink()
    assert (await site.publish("web@2")).release.line == first.release.line


async def test_a_staging_release_that_is_put_there_during_a_publish_does_not_pass_either(
    site: Site, tmp_path: Path
) -> None:
    await site.publish("web@1")
    staging = Site(tmp_path / "staging")
    await staging.publish("web@2")
    await staging.store.close()

    class Faster(DirectoryStore):
        async def put(
            self, key: str, body: bytes | memoryview, *, if_absent: bool = False, expires_in: float | None = None
        ) -> None:
            if key == "releases/web/2":
                site.plant("2", (staging.folder / "releases" / "web" / "2").read_bytes())
            await super().put(key, body, if_absent=if_absent, expires_in=expires_in)

    async with aclosed(Faster(site.folder)) as faster:
        with pytest.raises(ReleaseExistsError, match="hosts follow one line"):
            await Publisher(faster).publish("web@2", IMAGES)


async def test_what_a_line_goes_on_from_is_published_already_and_what_it_replaced_is_not_followed(site: Site) -> None:
    await site.publish("web@1")
    path = site.folder / "releases" / "web" / "1"
    release = manifest.open_sealed(path.read_bytes(), [KEY.public])
    site.plant("1", manifest.seal(replace(release, line=None), KEY))
    await site.publish("web@2")

    assert (await site.publish("web@1")).existed
    await site.publish("web@3", LineChoice(new=True))
    with pytest.raises(ReleaseExistsError, match="while web goes on in line"):
        await site.publish("web@2")


def test_the_whole_story_on_the_command_line(tmp_path: Path) -> None:
    site = Site(tmp_path / "store")
    (tmp_path / "web.img").write_bytes(IMAGES["web.img"])
    assert dcdist("keygen", "--out", tmp_path / "keys").code == 0
    key = PrivateKey.from_pem((tmp_path / "keys" / "publisher.key").read_text())

    def publish(name: str, *options: str, json: bool = True) -> Done:
        where = ["--store", site.folder.as_uri(), "--key", tmp_path / "keys" / "publisher.key"]
        return dcdist("publish", name, tmp_path / "web.img", *where, *options, *(["--json"] if json else []))

    first = publish("web@1").last("published")
    assert (first["serial"], first["new_line"], first["replaces"]) == (1, True, [])
    site.plant("evil", planted("evil", LAST - 1))
    told = publish("web@2", json=False)
    assert f"published with serial 2 of line {first['line']}\n" in told.out
    assert "passed over: releases/web/evil: no key that this publisher trusts has signed it" in told.out + told.err

    site.plant("old", planted("old", LAST, key=key, line=LineId(first["line"])))
    refused = publish("web@3")
    assert (refused.code, refused.last("error")["kind"]) == (2, "UsageError")
    back = publish("web@3", "--new-line", "--replaces", STAGING)
    assert (back.last("published")["serial"], back.last("published")["new_line"]) == (1, True)
    assert back.last("published")["replaces"] == [STAGING, first["line"]]
    on = publish("web@4", "--line", back.last("published")["line"], json=False)
    assert f"published with serial 2 of line {back.last('published')['line']}\n" in on.out
