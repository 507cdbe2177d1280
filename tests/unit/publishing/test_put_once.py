"""An object that never changes is written once, and never over another."""

from __future__ import annotations

import pytest

from dcdist.publishing.writing.put_once import PutOutcome, put_once
from tests.support.memory_store import MemoryStore


@pytest.mark.parametrize("look_first", [False, True])
@pytest.mark.parametrize(
    ("there", "outcome"),
    [
        (None, PutOutcome.WRITTEN),
        (b"body", PutOutcome.THERE),
        (b"other", PutOutcome.OTHER_BYTES),
        (b"bod", PutOutcome.OTHER_BYTES),
        (b"body and more", PutOutcome.OTHER_BYTES),
    ],
)
async def test_an_object_is_created_or_left_as_it_is(
    there: bytes | None, outcome: PutOutcome, look_first: bool
) -> None:
    store = MemoryStore()
    if there is not None:
        store.objects["key"] = there

    assert await put_once(store, "key", b"body", look_first=look_first) is outcome
    assert store.objects == {"key": there or b"body"}


async def test_what_is_probably_there_is_not_sent_if_it_is() -> None:
    store = MemoryStore()
    store.objects["key"] = b"body"

    await put_once(store, "key", bytearray(b"body"), look_first=True)

    assert store.calls == ["get"]
