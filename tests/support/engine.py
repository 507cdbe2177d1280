"""Fakes of the ports that the engine drives: a store of bytes that can fail, and a swarm layer that remembers."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dcdist.errors import ObjectMissingError, StoreError
from dcdist.ports.store import Capabilities, Listing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from dcdist.model.identity import Prefix
    from dcdist.model.member import Member
    from dcdist.model.pieces import Bits


@dataclass
class ByteStore:
    """Objects in memory; `breaks` maps a key to the bytes after which reading it raises that error."""

    objects: dict[str, bytes] = field(default_factory=dict)
    breaks: dict[str, tuple[int, StoreError]] = field(default_factory=dict)
    step: int = 1000

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(writable=False, listable=False)

    @property
    def host(self) -> str:
        return ""

    def __str__(self) -> str:
        return "memory:"

    async def get(self, key: str, *, limit: int) -> bytes:
        return self.objects[key][:limit]

    @asynccontextmanager
    async def read(self, key: str, *, start: int, length: int) -> AsyncIterator[AsyncIterator[bytes]]:
        if key not in self.objects:
            raise ObjectMissingError(f"{self} has no {key}", store=str(self), key=key)
        yield self._parts(key, start, length)

    async def _parts(self, key: str, start: int, length: int) -> AsyncIterator[bytes]:
        body = self.objects[key][start : start + length]
        limit, error = self.breaks.get(key, (length + 1, None))
        for cut in range(0, len(body), self.step):
            if cut + self.step > limit and error is not None:
                raise error
            yield body[cut : cut + self.step]

    async def put(
        self, key: str, body: bytes | memoryview, *, if_absent: bool = False, expires_in: float | None = None
    ) -> None:
        self.objects[key] = bytes(body)

    async def delete(self, key: str) -> None:
        self.objects.pop(key, None)

    async def list(self, prefix: str, *, look: bool = False) -> Listing:
        return Listing((), 0.0)

    async def exists(self) -> bool:
        return True

    async def close(self) -> None:
        return None


@dataclass
class RememberingLayer:
    """A swarm layer that keeps what it is told."""

    injected: dict[int, bytes] = field(default_factory=dict)
    claimed: Bits = 0
    ever_claimed: Bits = 0
    preferred: tuple[Bits, bool] = (0, True)
    flushes: int = 0

    async def inject(self, piece: int, data: bytes) -> None:
        self.injected[piece] = data

    def reserve(self, pieces: Bits) -> None:
        self.claimed |= pieces
        self.ever_claimed |= pieces

    def release(self, pieces: Bits) -> None:
        self.claimed &= ~pieces

    def prefer(self, pieces: Bits, *, others: bool) -> None:
        self.preferred = (pieces, others)

    def available(self) -> Bits:
        return 0

    async def latest_available(self) -> Bits:
        return 0

    def coming(self) -> Bits:
        return 0

    async def flush(self) -> None:
        self.flushes += 1


@dataclass
class RememberingRendezvous:
    """A rendezvous with the members that a test says; `fails` is raised instead."""

    others: tuple[Member, ...] = ()
    announced: list[Member] = field(default_factory=list)
    listed: list[Prefix] = field(default_factory=list)
    fails: StoreError | None = None

    async def announce(self, member: Member, *, stale_after: float) -> None:
        del stale_after
        if self.fails is not None:
            raise self.fails
        self.announced.append(member)

    async def members(self, prefix: Prefix, *, stale_after: float) -> tuple[Member, ...]:
        del stale_after
        self.listed.append(prefix)
        if self.fails is not None:
            raise self.fails
        return tuple(member for member in self.others if prefix.holds(member.host))

    async def withdraw(self) -> None:
        return None
