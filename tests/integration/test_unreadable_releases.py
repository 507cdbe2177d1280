"""Releases in a store that cannot be read: the search for the latest goes on without them, and says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import dcdist
from dcdist.catalog import read_again, signed_releases
from dcdist.errors import FormatError, SignatureError
from dcdist.policy.requests.retry import Backoff
from tests.support.publishing import KEY, Publisher, noise

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from dcdist import Store
    from dcdist.model.trouble import Troubled

IMAGES = {"web.img": noise(1, 20_000)}


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with dcdist.open_store(tmp_path.as_uri(), environment={}) as store:
        await Publisher(store).publish("web@1", IMAGES)
        yield store


@pytest.fixture(autouse=True)
def twice_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    for place in (read_again, signed_releases):
        monkeypatch.setattr(place, "PATIENT", Backoff(tries=3, first=0.0, total=20.0))


@pytest.mark.parametrize("body", [b"", b"\x00garbled", b"<html>a page</html>"])
async def test_a_release_that_cannot_be_read_is_passed_over_and_named(store: Store, body: bytes) -> None:
    await store.put("releases/web/2", body)
    told: list[Troubled] = []
    release = await dcdist.find_release(store, "web", trust=[KEY.public], report=told.append)

    assert str(release.name) == "web@1"
    assert [(each.kind, each.source) for each in told] == [
        ("corrupt", f"{store}/releases/web/2"),
        ("passed_over", f"{store}/releases/web/2"),
    ]
    assert told[0].message.endswith("; try 1 failed, the next is in 0.0 s")
    assert told[-1].message.startswith("web@2 is passed over for web@1 (serial 1): the manifest cannot be read: ")


async def test_a_newer_release_with_a_wrong_byte_is_said_to_be_damaged(store: Store) -> None:
    await Publisher(store).publish("web@2", IMAGES)
    body = bytearray(await store.get("releases/web/2", limit=1 << 20))
    body[-1] ^= 1
    await store.put("releases/web/2", bytes(body))
    told: list[Troubled] = []
    release = await dcdist.find_release(store, "web", trust=[KEY.public], report=told.append)

    assert str(release.name) == "web@1"
    assert [each.kind for each in told] == ["corrupt", "passed_over"]
    assert (
        f"the manifest does not match the signature by the trusted key {KEY.public.identity}: it is damaged or forged"
        in told[0].message
    )


async def test_where_no_release_can_be_read_the_search_fails(store: Store) -> None:
    await store.put("releases/web/1", b"garbled")

    with pytest.raises(FormatError, match="releases/web/1: the manifest cannot be read"):
        await dcdist.find_release(store, "web", trust=[KEY.public])


async def test_a_garbled_release_that_is_named_is_not_passed_over(store: Store) -> None:
    await store.put("releases/web/2", b"garbled")

    with pytest.raises((FormatError, SignatureError)):
        await dcdist.find_release(store, "web@2", trust=[KEY.public])
