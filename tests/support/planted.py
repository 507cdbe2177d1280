"""Manifests that somebody put into a store: sealed anew by a key, or made by whoever has none."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dcdist.errors import ObjectMissingError
from dcdist.formats import envelope, manifest, object_names
from dcdist.model.identity import LineId, ReleaseName
from dcdist.model.release import Release
from tests.support.publishing import KEY

if TYPE_CHECKING:
    from dcdist.formats.signature import PrivateKey
    from dcdist.ports.store import Store

MIB = 1 << 20
FOREVER = (1 << 63) - 1
"""The highest serial that there is."""
PRODUCTION, STAGING, RENEWED = (LineId(digit * 32) for digit in "123")


async def seal(
    store: Store,
    name: str,
    serial: int,
    line: LineId | None = None,
    replaces: tuple[LineId, ...] = (),
    *,
    keys: tuple[PrivateKey, ...] = (KEY,),
) -> Release:
    """Give the release of that name this serial and line, and put it there; without one, an empty release."""
    key = object_names.release(ReleaseName.parse(name))
    try:
        there = manifest.read_unverified(await store.get(key, limit=manifest.MANIFEST_LIMIT))
    except ObjectMissingError:
        there = Release(ReleaseName.parse(name), serial, (), (), ())
    sealed = replace(there, serial=serial, line=line, replaces=replaces)
    await store.put(key, manifest.seal(sealed, *keys))
    return sealed


def unsigned(release: Release, payload: bytes | None = None, signer: str = KEY.public.identity) -> bytes:
    """A manifest that says a key has signed it, and lies; without a signer, that nobody has."""
    body = {
        "payload": manifest._write(release) if payload is None else payload,
        "signatures": [{"key": signer, "signature": bytes(64)}] if signer else [],
    }
    return envelope.encode(envelope.Kind("dcdist-manifest", 1, 1 << 30), body)


def bomb(name: str) -> bytes:
    """Some hundred bytes that unpack to nearly 16 MiB, and name a key that hosts trust."""
    return unsigned(Release(ReleaseName.parse(name), 1, (), (), ()), bytes(16 * MIB - 200))


def newer_format(release: Release) -> bytes:
    """A manifest in a format to come."""
    return envelope.encode(envelope.Kind("dcdist-manifest", 2, 1 << 30), {"payload": b"", "name": str(release.name)})
