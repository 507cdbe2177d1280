"""The publishes of a store: which are dead, whose they are, what they need, and that a bounded number is read."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dcdist.catalog import publishes
from dcdist.catalog.publisher_process import RUNNING, this_process
from dcdist.catalog.publishes import ListedPublish, UnreadPublishes, visit_publishes
from dcdist.formats import journal as codec
from dcdist.formats.journal import Journal, JournalLayer, PublisherProcess
from dcdist.model.identity import Digest, LayerName, ReleaseName
from tests.support.publishing import KEY, OTHER_KEY
from tests.support.stepped_store import SteppedStore

HERE = this_process()
ELSEWHERE = PublisherProcess("another-host", "boot", 1, 1)
BEGUN, REFERENCE = LayerName("0a" * 16), LayerName("0b" * 16)
SEGMENTS = (Digest(b"s" * 32), None, Digest(b"t" * 32))


def journal(owner: PublisherProcess) -> Journal:
    return Journal(ReleaseName("web", "2"), owner, (JournalLayer(BEGUN, SEGMENTS),), (REFERENCE,))


def store_with(owner: PublisherProcess, *, age: float) -> SteppedStore:
    store = SteppedStore({"publishes/one": codec.encode(journal(owner), "one", KEY)})
    store.times["publishes/one"] = store.now - age
    return store


async def found_in(store: SteppedStore) -> tuple[list[ListedPublish], UnreadPublishes]:
    found: list[ListedPublish] = []
    return found, await visit_publishes(store, KEY.public, found.append)


@pytest.mark.parametrize(
    ("owner", "age", "dead"),
    [
        (ELSEWHERE, 299.0, False),
        (ELSEWHERE, 301.0, True),
        (replace(HERE, boot="an earlier boot"), 0.0, True),
        (replace(HERE, started=HERE.started - 1), 0.0, True),
        (HERE, 0.0, True),
    ],
    ids=["elsewhere, a sign of life", "elsewhere, silent", "an earlier boot", "an earlier process", "cancelled here"],
)
async def test_a_publish_is_dead_if_its_process_is_gone_or_was_silent_for_five_minutes(
    owner: PublisherProcess, age: float, dead: bool
) -> None:
    (found,), _ = await found_in(store_with(owner, age=age))

    assert (found.publish, found.dead) == ("one", dead)


async def test_a_publish_that_runs_in_this_process_lives_however_silent_it_is() -> None:
    RUNNING.add("one")
    try:
        (found,), _ = await found_in(store_with(HERE, age=1000.0))
    finally:
        RUNNING.discard("one")

    assert not found.dead


async def test_a_publish_needs_the_layers_that_it_began_and_those_that_it_may_refer_to() -> None:
    (found,), _ = await found_in(store_with(ELSEWHERE, age=0.0))

    assert found.needs == {BEGUN, REFERENCE}
    assert found.finished == 2


async def test_a_publish_is_ones_own_if_the_key_signed_its_journal_under_its_id() -> None:
    store = SteppedStore(
        {
            "publishes/own": codec.encode(journal(ELSEWHERE), "own", KEY),
            "publishes/copied": codec.encode(journal(ELSEWHERE), "own", KEY),
            "publishes/strange": codec.encode(journal(ELSEWHERE), "strange", OTHER_KEY),
        }
    )
    found, _ = await found_in(store)

    assert {each.publish: each.own for each in found} == {"own": True, "copied": False, "strange": False}


async def test_a_journal_that_cannot_be_read_is_named() -> None:
    store = SteppedStore({"publishes/garbage": b"garbage"})

    assert await found_in(store) == ([], UnreadPublishes(("publishes/garbage",), 0))


async def test_of_too_many_journals_the_newest_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publishes, "JOURNALS_LIMIT", 3)
    monkeypatch.setattr(publishes, "BYTES_LIMIT", 2000)
    store = SteppedStore({f"publishes/{n}": codec.encode(journal(ELSEWHERE), str(n), KEY) for n in range(6)})
    store.objects["publishes/5"] = bytes(1999)
    store.times = {f"publishes/{n}": float(n) for n in range(6)}

    found, unread = await found_in(store)

    # The third newest would be beyond the bytes that are read.
    assert [each.publish for each in found] == []
    assert unread == UnreadPublishes(("publishes/5",), 5)
    del store.objects["publishes/5"]
    found, unread = await found_in(store)
    assert sorted(each.publish for each in found) == ["2", "3", "4"]
    assert unread == UnreadPublishes((), 2)
