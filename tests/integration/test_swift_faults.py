"""What a Swift does wrong, and what the store says of it: a real Swift with faults on order."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

import pytest

from dcdist.errors import (
    FormatError,
    IntegrityError,
    ObjectExistsError,
    RangeError,
    ShortBodyError,
    StoreDeniedError,
    StoreError,
    StoreFullError,
    StoreThrottledError,
    StoreUnavailableError,
)
from dcdist.policy.requests.retry import Backoff
from dcdist.store import Retrying, open_store
from dcdist.store.http.http_session import HttpSession
from dcdist.store.swift.swift_sign_in import Credentials
from dcdist.store.swift.swift_store import SwiftStore
from tools.lab.swift import Fault

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from dcdist.model.trouble import Troubled
    from dcdist.ports.store import Store
    from tools.lab.swift import Swift

MIB = 1 << 20
BODY = bytes(range(256)) * 4096 * 4
LIMIT = 2 * len(BODY)
AT_ONCE = Backoff(tries=6, first=0.0)


@pytest.fixture
async def store(swift: Swift, container: str) -> AsyncIterator[Store]:
    async with open_store(f"swift://{container}", environment=swift.environment) as store:
        await store.put("segment", BODY)
        yield store


async def _read(store: Store, start: int = MIB, length: int = MIB) -> bytes:
    async with store.read("segment", start=start, length=length) as parts:
        return b"".join([part async for part in parts])


async def test_a_short_body_is_retryable_and_brings_what_came(swift: Swift, store: Store) -> None:
    swift.order(Fault(path="segment", truncate=300_000, count=2))
    got = bytearray()

    async def collect() -> None:
        async with store.read("segment", start=0, length=MIB) as parts:
            async for part in parts:
                got.extend(part)

    with pytest.raises(ShortBodyError, match=r"swift://.*segment") as caught:
        await collect()
    with pytest.raises(ShortBodyError):
        await store.get("segment", limit=LIMIT)

    assert got == BODY[:300_000]
    assert caught.value.retryable
    assert await _read(store) == BODY[MIB : 2 * MIB]


async def test_a_reset_is_an_unavailable_store(swift: Swift, store: Store) -> None:
    swift.order(Fault(path="segment", truncate=300_000, reset=True))

    with pytest.raises(StoreUnavailableError, match="reset"):
        await _read(store)
    assert await _read(store) == BODY[MIB : 2 * MIB]


@pytest.mark.parametrize("status", [429, 498, 503])
@pytest.mark.parametrize(
    ("headers", "wish"),
    [
        ((), None),
        ((("Retry-After", "7"),), 7.0),
        (
            (
                ("Date", "Sun, 06 Nov 1994 08:49:37 GMT"),
                ("Retry-After", "Sun, 06 Nov 1994 08:49:49 GMT"),
            ),
            12.0,
        ),
    ],
)
async def test_a_throttling_store_says_when_to_come_back(
    swift: Swift, store: Store, status: int, headers: tuple[tuple[str, str], ...], wish: float | None
) -> None:
    swift.order(Fault(path="segment", status=status, headers=headers))

    with pytest.raises(StoreThrottledError) as caught:
        await _read(store)

    assert caught.value.retry_after == wish
    assert await _read(store) == BODY[MIB : 2 * MIB]


@pytest.mark.parametrize(
    ("status", "kind"),
    [(500, StoreUnavailableError), (502, StoreUnavailableError), (403, StoreDeniedError), (400, StoreError)],
)
async def test_other_answers_have_their_errors(swift: Swift, store: Store, status: int, kind: type[StoreError]) -> None:
    swift.order(Fault(path="segment", status=status))

    with pytest.raises(kind, match=f"answered {status}"):
        await _read(store)


@pytest.mark.parametrize(("status", "kind"), [(413, StoreFullError), (507, StoreFullError), (422, IntegrityError)])
@pytest.mark.parametrize("body", [b"small", BODY])
async def test_refused_uploads_have_their_errors(
    swift: Swift, store: Store, status: int, kind: type[Exception], body: bytes
) -> None:
    swift.order(Fault(path="new", method="PUT", status=status))

    with pytest.raises(kind):
        await store.put("new", body)
    await store.put("new", body)
    assert await store.get("new", limit=LIMIT) == body


async def test_a_stalled_body_is_given_up_and_said_so(swift: Swift, container: str, store: Store) -> None:
    swift.order(Fault(path="segment", truncate=300_000, stall=5.0))
    async with open_store(f"swift://{container}", environment=swift.environment, stall=0.2) as hasty:
        with pytest.raises(StoreUnavailableError, match=r"stalled, no byte for 0\.2 s"):
            await _read(hasty)
    assert await _read(store) == BODY[MIB : 2 * MIB]


async def test_an_answer_that_does_not_come_is_a_stall(swift: Swift, container: str, store: Store) -> None:
    swift.order(Fault(path="segment", delay=5.0))
    async with open_store(f"swift://{container}", environment=swift.environment, stall=0.2) as hasty:
        with pytest.raises(StoreUnavailableError, match="stalled"):
            await hasty.get("segment", limit=LIMIT)
    assert await _read(store) == BODY[MIB : 2 * MIB]


@pytest.mark.parametrize("body", [b"small", BODY])
async def test_an_upload_that_does_not_go_on_is_a_stall(swift: Swift, container: str, body: bytes) -> None:
    swift.order(Fault(path="new", method="PUT", delay=5.0))
    session = HttpSession("swift://hasty", environment={}, stall=10.0, upload_stall=0.3)
    store = SwiftStore(container, "", credentials=Credentials.from_environment(swift.environment), session=session)
    try:
        with pytest.raises(StoreUnavailableError, match=r"PUT new: stalled, no byte for 0\.3 s"):
            await store.put("new", body)
    finally:
        await store.close()


async def test_a_slow_reader_is_no_stalled_store(swift: Swift, container: str, store: Store) -> None:
    async with open_store(f"swift://{container}", environment=swift.environment, stall=0.2) as hasty:
        got = bytearray()
        async with hasty.read("segment", start=0, length=len(BODY)) as parts:
            async for part in parts:
                if not got:
                    # Longer than the bound on silence; nothing can be waited for here but time itself.
                    await asyncio.sleep(0.5)
                got += part

    assert got == BODY


async def test_a_byte_that_is_changed_on_order_is_written_down_if_it_was_sent(
    swift: Swift, container: str, store: Store
) -> None:
    known = len(swift.corrupted())
    swift.order(Fault(path="segment", corrupt=1000, count=2))
    await _read(store, start=MIB, length=500)
    body = await _read(store, start=MIB, length=2000)

    assert body[1000] == BODY[MIB + 1000] ^ 0xFF
    (corrupted,) = swift.corrupted()[known:]
    assert (corrupted.user, corrupted.path, corrupted.offset) == ("test:tester", f"{container}/segment", MIB + 1000)


async def test_the_whole_object_in_place_of_a_range_is_refused(swift: Swift, store: Store) -> None:
    swift.order(Fault(path="segment", whole=True, count=None))

    with pytest.raises(RangeError, match="the whole object came"):
        await _read(store)
    assert await _read(store, 0, len(BODY)) == BODY


async def test_another_range_is_refused(swift: Swift, store: Store) -> None:
    swift.order(Fault(path="segment", headers=(("Content-Range", f"bytes 0-{MIB - 1}/{len(BODY)}"),)))

    with pytest.raises(RangeError, match=r"bytes 0-1048575 of 4194304 came"):
        await _read(store)


async def test_a_changed_object_is_read_as_it_is_now(swift: Swift, container: str, store: Store) -> None:
    await _read(store)
    async with open_store(f"swift://{container}", environment=swift.environment) as other:
        await other.put("segment", BODY[::-1])

    assert await _read(store) == BODY[::-1][MIB : 2 * MIB]


async def test_another_etag_is_worth_one_remark_and_no_fault(swift: Swift, container: str, store: Store) -> None:
    told: list[Troubled] = []
    environment = swift.environment
    async with open_store(f"swift://{container}", environment=environment, report=told.append) as reporting:
        await _read(reporting)
        for etag in ("another", "a third"):
            swift.order(Fault(path="segment", headers=(("ETag", etag),)))
            assert await _read(reporting) == BODY[MIB : 2 * MIB]

    assert ["is another" in each.message for each in told] == [True]


async def test_one_sign_in_serves_all_whose_token_expired(swift: Swift, store: Store) -> None:
    await _read(store)
    before = len(swift.answers("GET", "/auth/"))
    swift.expire_tokens()

    found = await asyncio.gather(*(_read(store, start, 1000) for start in range(20)))

    assert found == [BODY[start : start + 1000] for start in range(20)]
    assert len(swift.answers("GET", "/auth/")) == before + 1


async def test_a_large_upload_with_an_expired_token_is_sent_once(swift: Swift, container: str, store: Store) -> None:
    swift.expire_tokens()
    await store.put("new", BODY * 4, if_absent=True)
    swift.expire_tokens()
    with pytest.raises(ObjectExistsError):
        await store.put("new", BODY * 4, if_absent=True)

    assert [answer.status for answer in swift.answers("PUT", f"{container}/new")] == [401, 201, 401, 412]


async def test_a_token_that_is_refused_when_new_is_denied(swift: Swift, store: Store) -> None:
    before = len(swift.answers("GET", "/auth/"))
    swift.order(Fault(path="segment", status=401, count=None))

    with pytest.raises(StoreDeniedError):
        await _read(store)
    assert len(swift.answers("GET", "/auth/")) == before + 1


async def test_a_failed_sign_in_fails_all_who_wait_for_it(swift: Swift, container: str) -> None:
    swift.order(Fault(path="/auth/", status=503, headers=(("Retry-After", "4"),), delay=0.2, count=None))
    before = len(swift.answers("GET", "/auth/"))
    async with open_store(f"swift://{container}", environment=swift.environment) as store:
        results = await asyncio.gather(*(store.get("k", limit=1) for _ in range(20)), return_exceptions=True)

        assert [type(result) for result in results] == [StoreThrottledError] * 20
        assert len(swift.answers("GET", "/auth/")) == before + 1
        swift.order()
        await store.put("k", b"x")
        assert await store.get("k", limit=1) == b"x"


async def test_a_cancelled_sign_in_leaves_it_to_the_next(swift: Swift, container: str) -> None:
    swift.order(Fault(path="/auth/", delay=0.3))
    async with open_store(f"swift://{container}", environment=swift.environment) as store:
        first = asyncio.create_task(store.list(""))
        second = asyncio.create_task(store.list(""))
        await asyncio.sleep(0)
        first.cancel()

        assert (await second).entries == ()
        with pytest.raises(asyncio.CancelledError):
            await first


async def test_an_auth_url_that_is_none_is_said(swift: Swift, container: str) -> None:
    environment = {**swift.environment, "ST_AUTH": f"{swift.url}/healthcheck"}
    async with open_store(f"swift://{container}", environment=environment) as store:
        with pytest.raises(StoreError, match="is ST_AUTH the URL of auth v1"):
            await store.list("")


async def test_the_container_is_made_by_the_first_put_only(swift: Swift, container: str) -> None:
    async with open_store(f"swift://{container}/demos", environment=swift.environment) as store:
        await store.list("")
        with pytest.raises(StoreError):
            await store.get("key", limit=1)
        await store.delete("key")
        made_before = swift.answers("PUT", container)
        await store.put("key", BODY)
        await store.put("other", b"x")

    assert made_before == []
    assert [(answer.path, answer.status) for answer in swift.answers("PUT", container)] == [
        (f"{container}/demos/key", 404),
        (container, 201),
        (f"{container}/demos/key", 201),
        (f"{container}/demos/other", 201),
    ]


async def test_a_listing_of_many_pages_is_whole(swift: Swift, container: str) -> None:
    session = HttpSession("swift://pages", environment={}, stall=10.0)
    credentials = Credentials.from_environment(swift.environment)
    store = SwiftStore(container, "p", credentials=credentials, session=session, page=3)
    try:
        for number in range(7):
            await store.put(f"a/{number}", b"")
        await store.put("b", b"")
        listing = await store.list("a/")
        whole_pages = await store.list("a/0")
        broken = Fault(path=container, truncate=10)
        swift.order(broken)
        with pytest.raises(ShortBodyError):
            await store.list("a/")
    finally:
        await store.close()

    assert [entry.key for entry in listing.entries] == [f"a/{number}" for number in range(7)]
    assert [entry.key for entry in whole_pages.entries] == ["a/0"]


async def test_what_is_read_is_counted_at_the_server(swift: Swift, container: str, store: Store) -> None:
    await _read(store, 0, 1000)
    await _read(store, 5000, 3 * MIB)
    with pytest.raises(FormatError):
        await store.get("segment", limit=10)

    # Whole parts of 256 KiB are counted, taken or not.
    assert 1000 + 3 * MIB <= swift.sent_bytes(f"{container}/seg") <= 1000 + 3 * MIB + len(BODY)
    assert swift.sent_bytes(f"{container}/other") == 0


async def test_small_operations_are_tried_again(swift: Swift, store: Store) -> None:
    retrying = Retrying(store, rng=random.Random(1), backoff=AT_ONCE)
    faults = [Fault(path="", method=method, status=503, count=3) for method in ("GET", "PUT", "DELETE")]
    swift.order(*faults)

    await retrying.put("key", b"x")
    assert await retrying.get("segment", limit=LIMIT) == BODY
    swift.order(*faults)
    assert len((await retrying.list("")).entries) == 2
    await retrying.delete("key")
    with pytest.raises(StoreError, match="404"):
        await retrying.get("key", limit=1)


async def test_a_store_that_stays_away_is_given_up(swift: Swift, container: str, store: Store) -> None:
    retrying = Retrying(store, rng=random.Random(1), backoff=AT_ONCE)
    swift.order(Fault(path="segment", status=500, count=None))

    with pytest.raises(StoreUnavailableError):
        await retrying.get("segment", limit=LIMIT)
    assert [answer.status for answer in swift.answers("GET", f"{container}/segment")] == [500] * 6


async def test_a_read_is_tried_once(swift: Swift, container: str, store: Store) -> None:
    retrying = Retrying(store, rng=random.Random(1), backoff=AT_ONCE)
    swift.order(Fault(path="segment", status=500))

    with pytest.raises(StoreUnavailableError):
        await _read(retrying)
    assert len(swift.answers("GET", f"{container}/segment")) == 1


async def test_a_conditional_create_whose_answer_was_lost_has_succeeded(swift: Swift, store: Store) -> None:
    retrying = Retrying(store, rng=random.Random(1), backoff=AT_ONCE)
    swift.order(Fault(path="new", method="PUT", truncate=0, headers=(("Content-Length", "9"),)))

    await retrying.put("new", b"mine", if_absent=True)
    assert await store.get("new", limit=9) == b"mine"


async def test_a_conditional_create_that_another_won_meanwhile_has_lost(swift: Swift, store: Store) -> None:
    retrying = Retrying(store, rng=random.Random(1), backoff=AT_ONCE)
    await store.put("new", b"other")
    swift.order(Fault(path="new", method="PUT", status=500))

    with pytest.raises(ObjectExistsError):
        await retrying.put("new", b"mine", if_absent=True)
    assert await store.get("new", limit=9) == b"other"
