"""A store in memory, with failures on order: for tests of what is built on stores."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from dcdist.errors import FormatError, ObjectExistsError, ObjectMissingError, RangeError, StoreError
from dcdist.ports.store import Capabilities, Entry, Listing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class MemoryStore:
    """Objects in a dict. Each call takes the next of `failures` and raises it, unless it is None or there is none."""

    def __init__(self, *, part: int = 1000, listable: bool = True) -> None:
        """Begin empty; `part` is the bytes of each part of a read. `listable`: as the capabilities say."""
        self.objects: dict[str, bytes] = {}
        self.failures: list[StoreError | None] = []
        self.calls: list[str] = []
        self.closed = False
        self._part = part
        self._listable = listable

    @property
    def capabilities(self) -> Capabilities:
        """Everything, but a listing only where it was made so."""
        return Capabilities(writable=True, listable=self._listable)

    @property
    def host(self) -> str:
        """None."""
        return ""

    def __str__(self) -> str:
        return "memory:"

    async def get(self, key: str, *, limit: int) -> bytes:
        """The whole object."""
        self._call("get")
        body = self._body(key)
        if len(body) > limit:
            raise FormatError(f"{key} is larger than {limit} bytes")
        return body

    @asynccontextmanager
    async def read(self, key: str, *, start: int, length: int) -> AsyncIterator[AsyncIterator[bytes]]:
        """A range in equal parts."""
        self._call("read")
        body = self._body(key)[start : start + length]
        if len(body) < length:
            raise RangeError(f"{key} is shorter", store=str(self), key=key)
        yield self._parts(body)

    async def put(
        self, key: str, body: bytes | memoryview, *, if_absent: bool = False, expires_in: float | None = None
    ) -> None:
        """Keep an object, for good."""
        del expires_in
        self._call("put")
        if if_absent and key in self.objects:
            raise ObjectExistsError(f"{key} exists", store=str(self), key=key)
        self.objects[key] = bytes(body)

    async def delete(self, key: str) -> None:
        """Forget an object."""
        self._call("delete")
        self.objects.pop(key, None)

    async def list(self, prefix: str, *, look: bool = False) -> Listing:
        """All objects under a prefix; they are as old as the clock."""
        self._call("list")
        found = sorted(key for key in self.objects if key.startswith(prefix))
        return Listing(tuple(Entry(key, len(self.objects[key]), 0.0) for key in found), 0.0)

    async def exists(self) -> bool:
        """It is there."""
        self._call("exists")
        return True

    async def close(self) -> None:
        """Note that it was closed."""
        self.closed = True

    def _call(self, name: str) -> None:
        self.calls.append(name)
        if self.failures and (failure := self.failures.pop(0)) is not None:
            raise failure

    def _body(self, key: str) -> bytes:
        if key not in self.objects:
            raise ObjectMissingError(f"{key} is missing", store=str(self), key=key)
        return self.objects[key]

    async def _parts(self, body: bytes) -> AsyncIterator[bytes]:
        for start in range(0, len(body), self._part):
            yield body[start : start + self._part]
