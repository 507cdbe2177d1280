"""Two publishes of one release at the same moment, in a store that lets both create the manifest: one must know."""

from __future__ import annotations

import sys

import pytest

from dcdist.errors import ReleaseExistsError
from dcdist.formats import object_names
from dcdist.model.identity import ReleaseName
from dcdist.ports.store import Capabilities
from tests.support.memory_store import MemoryStore
from tests.support.publishing import Publisher, noise

MANIFEST = object_names.release(ReleaseName("web", "1"))


class LateStore(MemoryStore):
    """Lets every create succeed, and puts `late` over the manifest right after it was created."""

    late: bytes = b""

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(writable=True, listable=True, creates_once=False)

    async def put(
        self, key: str, body: bytes | memoryview, *, if_absent: bool = False, expires_in: float | None = None
    ) -> None:
        await super().put(key, body, if_absent=if_absent, expires_in=expires_in)
        if key == MANIFEST and self.late:
            self.objects[key] = self.late


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["dcdist.publishing.publish_run"], "READ_BACK", 0.0)


async def late_manifest(content: bytes) -> bytes:
    store = MemoryStore()
    await Publisher(store).publish("web@1", {"web.img": content})
    return store.objects[MANIFEST]


async def test_a_publish_that_was_overwritten_by_other_content_is_refused() -> None:
    store = LateStore()
    store.late = await late_manifest(noise(2, 10_000))

    with pytest.raises(ReleaseExistsError):
        await Publisher(store).publish("web@1", {"web.img": noise(1, 10_000)})


async def test_a_publish_that_was_overwritten_by_the_same_content_has_succeeded() -> None:
    store = LateStore()
    store.late = await late_manifest(noise(1, 10_000))
    published = await Publisher(store).publish("web@1", {"web.img": noise(1, 10_000)})

    assert published.existed
    assert store.objects[MANIFEST] == store.late
