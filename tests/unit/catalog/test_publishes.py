"""The publishes of a store: which are dead, and what they need."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dcdist.catalog.publisher_process import RUNNING, this_process
from dcdist.catalog.publishes import Publishes, list_publishes
from dcdist.formats import journal as codec
from dcdist.formats.journal import Journal, JournalLayer, PublisherProcess
from dcdist.model.identity import Digest, LayerName, ReleaseName
from tests.support.stepped_store import SteppedStore

HERE = this_process()
ELSEWHERE = PublisherProcess("another-host", "boot", 1, 1)
BEGUN, REFERENCE = LayerName("0a" * 16), LayerName("0b" * 16)
SEGMENTS = (Digest(b"s" * 32), None, Digest(b"t" * 32))


def store_with(owner: PublisherProcess, *, age: float) -> SteppedStore:
    journal = Journal(ReleaseName("web", "2"), owner, (JournalLayer(BEGUN, SEGMENTS),), (REFERENCE,))
    store = SteppedStore({"publishes/one": codec.encode(journal)})
    store.times["publishes/one"] = store.now - age
    return store


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
    (found,) = (await list_publishes(store_with(owner, age=age))).readable

    assert (found.publish, found.dead) == ("one", dead)


async def test_a_publish_that_runs_in_this_process_lives_however_silent_it_is() -> None:
    RUNNING.add("one")
    try:
        (found,) = (await list_publishes(store_with(HERE, age=1000.0))).readable
    finally:
        RUNNING.discard("one")

    assert not found.dead


async def test_a_publish_needs_the_layers_that_it_began_and_those_that_it_may_refer_to() -> None:
    (found,) = (await list_publishes(store_with(ELSEWHERE, age=0.0))).readable

    assert found.needs == {BEGUN, REFERENCE}
    assert found.finished == 2


async def test_a_journal_that_cannot_be_read_is_named() -> None:
    store = SteppedStore({"publishes/garbage": b"garbage"})

    assert await list_publishes(store) == Publishes((), ("publishes/garbage",))
