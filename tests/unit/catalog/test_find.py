"""Which failure a search for the latest release tells: the store's own, unless the store has no listings at all."""

from __future__ import annotations

import pytest

from dcdist.catalog.find import find_release
from dcdist.errors import StoreDeniedError
from tests.support.memory_store import MemoryStore

WRONG_KEY = "http://auth does not accept ST_USER=u with that ST_KEY"
NOT_ALLOWED = "GET releases/web-demo/ answered 403: this is not allowed with these credentials"


@pytest.mark.parametrize("truth", [WRONG_KEY, NOT_ALLOWED])
async def test_a_listing_that_is_refused_is_told_in_the_words_of_the_store(truth: str) -> None:
    store = MemoryStore()
    store.failures = [StoreDeniedError(truth, store=str(store))]

    with pytest.raises(StoreDeniedError) as raised:
        await find_release(store, "web-demo", trust=[])

    assert str(raised.value) == truth


async def test_a_store_without_listings_is_not_asked_for_one_and_wants_the_release_named() -> None:
    store = MemoryStore(listable=False)

    with pytest.raises(StoreDeniedError) as raised:
        await find_release(store, "web-demo", trust=[])

    assert str(raised.value) == (
        "memory: cannot be listed, so the latest release of web-demo cannot be found; name it: web-demo@VERSION"
    )
    assert store.calls == []
