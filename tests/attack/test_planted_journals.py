"""A writer to the store, without any key, plants journals of publishes to have layers deleted, or publishes spoilt."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgpack
import pytest
import zstandard

from dcdist.catalog.publishes import JOURNALS_LIMIT
from dcdist.errors import IntegrityError, ObjectChangedError, StoreUnavailableError
from dcdist.formats import journal as codec
from dcdist.formats import manifest
from dcdist.formats.journal import Journal, JournalLayer, PublisherProcess
from dcdist.formats.signature import PrivateKey
from dcdist.model.identity import Digest, LayerName, ReleaseName
from dcdist.model.release import LayerEntry, Release
from dcdist.publishing import Cut, LeftAlone, Resumed
from dcdist.store.directory.directory_store import DirectoryStore
from tests.support.format_objects import digest
from tests.support.publishing import CHUNK, KEY, Publisher, noise
from tests.support.rebuilt import open_release, rebuilt_images

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from pathlib import Path

    from dcdist.publishing import Published

ATTACKER = PrivateKey(b"a" * 32)
ELSEWHERE = PublisherProcess("another-host", "boot", 1, 1)
NAME = "0123456789abcdef0123456789abcdef"
WEB = {"web.img": noise(1, 20 * CHUNK)}
OTHER = {"other.img": noise(2, 40 * CHUNK)}
SMALL_LAYERS = Cut(CHUNK, 4 * CHUNK, layer=60_000)


@dataclass
class Watched(DirectoryStore):
    """A directory store that tells each put before it happens."""

    folder: Path
    before: Callable[[str], None] = lambda _key: None
    gets: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(self.folder)

    __str__ = DirectoryStore.__str__

    async def get(self, key: str, *, limit: int) -> bytes:
        self.gets.append(key)
        return await super().get(key, limit=limit)

    async def put(
        self, key: str, body: bytes | memoryview, *, if_absent: bool = False, expires_in: float | None = None
    ) -> None:
        self.before(key)
        await super().put(key, body, if_absent=if_absent, expires_in=expires_in)

    def plant(self, key: str, data: bytes, *, age: float = 1000.0) -> Path:
        """Put an object there as somebody does who has the rights, and make it look old."""
        path = self.folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        now = path.stat().st_mtime
        os.utime(path, (now - age, now - age))
        return path

    def layers(self) -> set[str]:
        """Those of which there is at least one object."""
        files = (path for path in (self.folder / "layers").rglob("[!.]*") if path.is_file())
        return {path.relative_to(self.folder / "layers").parts[0] for path in files}

    def journals(self) -> list[str]:
        return sorted(path.name for path in (self.folder / "publishes").glob("[!.]*"))


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Watched]:
    store = Watched(tmp_path / "store")
    yield store
    await store.close()


async def rebuilt(store: Watched, name: str) -> dict[str, bytes]:
    return await rebuilt_images(store, await open_release(store, ReleaseName.parse(name), KEY.public))


def naming(layers: Sequence[LayerName], release: str = "other@1", segments: tuple[Digest, ...] = ()) -> Journal:
    """A journal of `release` that says that it began these layers."""
    return Journal(ReleaseName.parse(release), ELSEWHERE, tuple(JournalLayer(name, segments) for name in layers), ())


def version_1(journal: Journal, _key: PrivateKey) -> bytes:
    """As the journals of before: nobody signs them."""
    payload = msgpack.unpackb(zstandard.decompress(msgpack.unpackb(codec.encode(journal, NAME, KEY))[2]))["payload"]
    return msgpack.packb(["dcdist-journal", 1, zstandard.compress(payload)])


def version_2(journal: Journal, key: PrivateKey) -> bytes:
    return codec.encode(journal, NAME, key)


def copied(journal: Journal, _key: PrivateKey) -> bytes:
    """The publisher itself signed it, under another ID."""
    return codec.encode(journal, "another", KEY)


UNPROVEN = pytest.mark.parametrize("written", [version_1, version_2, copied])


@UNPROVEN
async def test_a_planted_journal_has_no_layer_of_another_release_deleted(
    store: Watched, written: Callable[[Journal, PrivateKey], bytes]
) -> None:
    web = await Publisher(store).publish("web@1", WEB)
    store.plant(f"publishes/{NAME}", written(naming([layer.name for layer in web.release.layers]), ATTACKER))
    publisher = Publisher(store)

    await publisher.publish("other@1", OTHER)
    again = await Publisher(store).publish("other@1", OTHER)

    assert again.existed
    assert await rebuilt(store, "web@1") == WEB
    assert await rebuilt(store, "other@1") == OTHER
    assert store.journals() == [NAME]
    (note,) = [event for event in publisher.events if isinstance(event, LeftAlone)]
    assert note.key == f"publishes/{NAME}"
    assert "this key did not sign: it is not resumed, and nothing of it is deleted" in note.reason


@UNPROVEN
async def test_not_even_layers_that_no_release_names_are_deleted_for_a_planted_journal(
    store: Watched, written: Callable[[Journal, PrivateKey], bytes]
) -> None:
    store.plant(f"layers/{NAME}/segments/00000", b"of a publish of somebody else")
    store.plant(f"publishes/{NAME}", written(naming([LayerName(NAME)]), ATTACKER))

    await Publisher(store).publish("other@1", OTHER)

    assert NAME in store.layers()


async def test_an_own_journal_that_was_put_back_deletes_nothing_that_a_release_needs(store: Watched) -> None:
    taken: dict[str, bytes] = {}

    def take(key: str) -> None:
        for path in (store.folder / "publishes").glob("[!.]*"):
            taken[f"publishes/{path.name}"] = path.read_bytes()

    store.before = take
    first = await Publisher(store).publish("web@1", WEB)
    store.before = lambda _key: None
    await Publisher(store).publish("web@2", WEB)
    ((key, data),) = taken.items()
    assert codec.is_signed(data, key.removeprefix("publishes/"), KEY.public)
    assert {layer.name for layer in codec.decode(data).layers} == {layer.name for layer in first.release.layers}

    # The release is hidden, its journal of then is back, and other images are published under its name.
    (store.folder / "releases" / "web" / "1").unlink()
    store.plant(key, data)
    await Publisher(store).publish("web@1", OTHER)

    assert await rebuilt(store, "web@1") == OTHER
    assert await rebuilt(store, "web@2") == WEB


async def killed(store: Watched, name: str, images: dict[str, bytes], *, after: int) -> list[LayerName]:
    """A publish of one's own that dies after so many puts; returns the layers that it had begun."""
    left = after

    def die(_key: str) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise StoreUnavailableError("the network is gone", store=str(store))

    store.before = die
    with pytest.raises(StoreUnavailableError):
        await Publisher(store, cut=SMALL_LAYERS).publish(name, images)
    store.before = lambda _key: None
    (journal,) = store.journals()
    data = (store.folder / "publishes" / journal).read_bytes()
    assert codec.is_signed(data, journal, KEY.public)
    return [layer.name for layer in codec.decode(data).layers]


async def published_other(store: Watched) -> tuple[Published, Publisher]:
    publisher = Publisher(store, cut=SMALL_LAYERS)
    return await publisher.publish("other@1", WEB), publisher


async def test_an_own_dead_publish_is_cleaned_up(store: Watched) -> None:
    """What the following tests keep is deleted otherwise."""
    begun = await killed(store, "other@1", OTHER, after=9)

    published, _ = await published_other(store)

    assert set(begun) & store.layers() <= {layer.name for layer in published.release.layers}
    assert store.journals() == []


def by_a_stranger(store: Watched, layers: list[LayerName]) -> None:
    entries = tuple(LayerEntry(name, 1, Digest(bytes(32))) for name in layers)
    release = Release(ReleaseName("third", "1"), 1, (), entries, ())
    store.plant("releases/third/1", manifest.seal(release, ATTACKER))


def by_a_running_publish(store: Watched, layers: list[LayerName]) -> None:
    journal = Journal(ReleaseName("third", "1"), ELSEWHERE, (), tuple(layers))
    store.plant(f"publishes/{NAME}", codec.encode(journal, NAME, ATTACKER), age=0.0)


def by_a_dead_publish_of_another(store: Watched, layers: list[LayerName]) -> None:
    store.plant(f"publishes/{NAME}", version_1(naming(layers, "third@1"), ATTACKER))


def perhaps_by_a_release_that_cannot_be_read(store: Watched, layers: list[LayerName]) -> None:
    del layers
    store.plant("releases/third/1", b"rubbish")


def perhaps_by_a_release_of_a_newer_format(store: Watched, layers: list[LayerName]) -> None:
    del layers
    store.plant("releases/third/1", msgpack.packb(["dcdist-manifest", 9, b""]))


@pytest.mark.parametrize(
    "named",
    [
        by_a_stranger, by_a_running_publish, by_a_dead_publish_of_another, perhaps_by_a_release_that_cannot_be_read,
        perhaps_by_a_release_of_a_newer_format,
    ],
)  # fmt: skip
async def test_what_anybody_else_may_need_is_kept(
    store: Watched, named: Callable[[Watched, list[LayerName]], None]
) -> None:
    begun = await killed(store, "other@1", OTHER, after=9)
    there = set(begun) & store.layers()
    assert len(there) > 1
    named(store, begun)

    published, publisher = await published_other(store)

    assert there <= store.layers()
    assert await rebuilt(store, "other@1") == WEB
    assert published.release.name == ReleaseName("other", "1")
    told = [event.reason for event in publisher.events if isinstance(event, LeftAlone)]
    if named.__name__.startswith("perhaps"):
        assert "are not deleted, since what is needed is unknown: releases/third/1: " in told[0]


async def test_a_planted_journal_saves_no_upload_and_gives_no_wrong_byte(store: Watched) -> None:
    """It says that the segments of the new layers are in the store already, and rubbish is."""
    whole = await Publisher(store, cut=SMALL_LAYERS).publish("other@1", OTHER)
    segments = {
        layer.name: (store.folder / "layers" / layer.name / "segments" / "00000").read_bytes()
        for layer in whole.release.layers
    }
    for folder in ("releases/other/1", *(f"layers/{name}/{part}" for name in segments for part in ("index", "chunks"))):
        (store.folder / folder).unlink()
    layers = tuple(JournalLayer(name, (digest(data),)) for name, data in segments.items())
    for name, data in segments.items():
        store.plant(f"layers/{name}/segments/00000", bytes(len(data)))
    for key, publish in ((ATTACKER, NAME), (KEY, "another")):
        journal = Journal(ReleaseName("other", "1"), ELSEWHERE, layers, ())
        store.plant(f"publishes/{publish}-planted", codec.encode(journal, publish, key))
    publisher = Publisher(store, cut=SMALL_LAYERS)

    published = await publisher.publish("other@1", OTHER)

    assert not [event for event in publisher.events if isinstance(event, Resumed)]
    assert published.uploaded > whole.new
    assert await rebuilt(store, "other@1") == OTHER


async def test_rubbish_of_another_length_in_the_place_of_an_own_segment_is_noticed_on_resuming(store: Watched) -> None:
    begun = await killed(store, "other@1", OTHER, after=9)
    store.plant(f"layers/{begun[0]}/segments/00000", b"rubbish")

    published = await Publisher(store, cut=SMALL_LAYERS).publish("other@1", OTHER)

    assert begun[0] not in {layer.name for layer in published.release.layers}
    assert await rebuilt(store, "other@1") == OTHER


async def test_rubbish_among_the_objects_of_an_own_layer_neither_counts_nor_costs_a_deletion(store: Watched) -> None:
    begun = await killed(store, "other@1", OTHER, after=9)
    left = sum(path.stat().st_size for path in (store.folder / "layers").rglob("[!.]*") if path.is_file())
    for number in range(1000):
        store.plant(f"layers/{begun[0]}/segments/rubbish-{number}", b"rubbish")

    _, publisher = await published_other(store)

    assert [event for event in publisher.events if isinstance(event, Resumed)] == [Resumed(left)]
    assert len(list((store.folder / "layers" / begun[0] / "segments").glob("rubbish-*"))) == 1000


async def test_whoever_takes_the_place_of_the_successor_delays_nobody(store: Watched) -> None:
    await killed(store, "other@1", OTHER, after=9)
    (dead,) = store.journals()
    store.plant(f"publishes/{codec.successor(dead)}", version_2(naming([], "other@1"), ATTACKER), age=0.0)

    published, publisher = await published_other(store)

    assert not [event for event in publisher.events if isinstance(event, Resumed)]
    assert await rebuilt(store, "other@1") == WEB
    assert store.layers() == {layer.name for layer in published.release.layers}


async def test_of_thousands_of_journals_a_bounded_number_is_read_and_that_is_told(store: Watched) -> None:
    for number in range(3000):
        store.plant(f"publishes/planted-{number}", b"rubbish" if number % 2 else version_1(naming([]), ATTACKER))
    publisher = Publisher(store)

    await publisher.publish("other@1", OTHER)

    # Once to see what can be resumed, once to clean up.
    assert sum(key.startswith("publishes/planted") for key in store.gets) == 2 * JOURNALS_LIMIT
    told = [event.reason for event in publisher.events if isinstance(event, LeftAlone)]
    assert "2744 journals are more than are read" in told
    assert len(told) == 7


async def test_large_journals_are_read_up_to_a_bound_of_bytes(store: Watched) -> None:
    for number in range(40):
        store.plant(f"publishes/planted-{number}", bytes(4 << 20))

    await Publisher(store).publish("other@1", OTHER)

    assert sum(key.startswith("publishes/planted") for key in store.gets) == 2 * 16


async def test_a_segment_that_somebody_changed_is_not_copied_under_a_new_name(store: Watched) -> None:
    first, second = noise(1, 64 << 20), noise(2, 1 << 20)

    def change_and_take_the_index(key: str) -> None:
        # The index of a layer whose name is random cannot be there: an attacker was faster, and changed a segment.
        if key.endswith("/chunks") and not (store.folder / key).exists():
            layer = key.split("/")[1]
            store.plant(key, b"taken")
            path = store.folder / "layers" / layer / "segments" / "00000"
            path.write_bytes(bytes(path.stat().st_size))

    store.before = change_and_take_the_index
    with pytest.raises(IntegrityError, match=r"segments/00000 is not what this publish wrote there"):
        await Publisher(store, cut=Cut()).publish("other@1", {"a": first, "b": second})
    assert not (store.folder / "releases").exists()


async def test_whoever_takes_each_new_name_ends_a_publish_with_a_word_and_not_as_a_bug(store: Watched) -> None:
    def take(key: str) -> None:
        if key.endswith(("/index", "/00000")) and not (store.folder / key).exists():
            store.plant(key, b"taken")

    store.before = take
    with pytest.raises(ObjectChangedError, match=r"although its name is new and random: who else writes"):
        await Publisher(store).publish("other@1", OTHER)
    store.before = lambda key: take(key) if key.endswith("/index") else None
    with pytest.raises(ObjectChangedError, match=r"although its name is new and random: who else writes"):
        await Publisher(store).publish("other@1", OTHER)


async def test_whoever_changes_the_journal_of_a_running_publish_ends_it_with_a_true_word(store: Watched) -> None:
    def change(key: str) -> None:
        if key.startswith("images/"):
            (journal,) = store.journals()
            store.plant(f"publishes/{journal}", version_2(naming([]), ATTACKER))

    store.before = change
    with pytest.raises(ObjectChangedError, match=r"or somebody else changed or deleted its journal"):
        await Publisher(store).publish("other@1", OTHER)
    assert not (store.folder / "releases").exists()
