"""A store in memory whose every change is a step: a test can stop a publish at each of them, and look."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from dcdist.errors import FormatError, ObjectExistsError, ObjectMissingError, RangeError
from dcdist.ports.store import Capabilities, Entry, Listing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable


class SteppedStore:
    """Objects in a dict, each as old as `now` was when it was written.

    `before` and `after` are called with each change ("put KEY" or "delete KEY") and may raise: before it happens, or
    when it has happened and only its answer is lost.
    """

    def __init__(self, objects: dict[str, bytes] | None = None) -> None:
        self.objects = dict(objects or {})
        self.now = 1000.0
        self.times: dict[str, float] = {}
        self.steps: list[str] = []
        self.received = 0
        self.before: Callable[[str], None] = lambda _step: None
        self.after: Callable[[str], None] = lambda _step: None

    @property
    def capabilities(self) -> Capabilities:
        """Everything."""
        return Capabilities(writable=True, listable=True)

    @property
    def host(self) -> str:
        """None."""
        return ""

    def __str__(self) -> str:
        return "memory:"

    async def get(self, key: str, *, limit: int) -> bytes:
        """The whole object."""
        await asyncio.sleep(0)
        if len(self._body(key)) > limit:
            raise FormatError(f"{key} is larger than {limit} bytes")
        return self._body(key)

    @asynccontextmanager
    async def read(self, key: str, *, start: int, length: int) -> AsyncIterator[AsyncIterator[bytes]]:
        """A range in two parts."""
        body = self._body(key)[start : start + length]
        if len(body) < length:
            raise RangeError(f"{key} is shorter", store=str(self), key=key)

        async def parts() -> AsyncIterator[bytes]:
            yield body[: length // 2]
            yield body[length // 2 :]

        yield parts()

    async def put(
        self, key: str, body: bytes | memoryview, *, if_absent: bool = False, expires_in: float | None = None
    ) -> None:
        """Keep an object."""
        del expires_in
        await asyncio.sleep(0)
        self.before(f"put {key}")
        if if_absent and key in self.objects:
            raise ObjectExistsError(f"{key} exists", store=str(self), key=key)
        self.objects[key] = bytes(body)
        self.times[key] = self.now
        self.received += len(body)
        self.steps.append(f"put {key}")
        self.after(f"put {key}")

    async def delete(self, key: str) -> None:
        """Forget an object."""
        await asyncio.sleep(0)
        self.before(f"delete {key}")
        self.objects.pop(key, None)
        self.steps.append(f"delete {key}")
        self.after(f"delete {key}")

    async def list(self, prefix: str, *, look: bool = False) -> Listing:
        """All objects under a prefix."""
        await asyncio.sleep(0)
        found = sorted(key for key in self.objects if key.startswith(prefix))
        return Listing(tuple(Entry(key, len(self.objects[key]), self.times.get(key, 0.0)) for key in found), self.now)

    async def exists(self) -> bool:
        """It is there."""
        return True

    async def close(self) -> None:
        """Nothing is open."""

    def keys(self, prefix: str = "") -> tuple[str, ...]:
        """What is there, in order."""
        return tuple(sorted(key for key in self.objects if key.startswith(prefix)))

    def _body(self, key: str) -> bytes:
        if key not in self.objects:
            raise ObjectMissingError(f"{key} is missing", store=str(self), key=key)
        return self.objects[key]
