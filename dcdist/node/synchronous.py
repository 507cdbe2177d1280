"""Plain calls for build scripts: each runs an event loop of its own and returns when all is done.

They are for programs without an event loop; within one, use the asynchronous calls.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence  # noqa: TC003
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack

from dcdist.engine import troubles
from dcdist.formats.signature import PublicKey
from dcdist.model.identity import ReleaseName
from dcdist.node.fetch_options import FetchOptions
from dcdist.node.key_files import read_private_key, read_public_key
from dcdist.node.resolve import fetch_by_name
from dcdist.node.stores import open_store

if TYPE_CHECKING:
    from collections.abc import Callable

    from dcdist.engine.fetch_events import Fetched, FetchEvent
    from dcdist.engine.options import Order, Prefer
    from dcdist.publishing.publish_events import Published, PublishEvent

Trust = str | Path | PublicKey
"""A public key, or the file that holds one."""


class FetchKeywords(TypedDict, total=False):
    """The fields of `FetchOptions` beside `dest` and `cache`."""

    images: tuple[str, ...]
    metadata_only: bool
    listen: tuple[str, int] | None
    advertise: tuple[str, int] | None
    peers: tuple[tuple[str, int], ...]
    realm: str
    swarm: bool
    draw: bool
    prefer: Prefer
    order: Order
    store_rate: float | None
    fleet_store_rate: float | None
    up_rate: float | None
    down_rate: float | None
    seed_for: float


def fetch_release(
    store: str,
    release: str,
    *,
    trust: Trust | Sequence[Trust],
    dest: str | Path,
    cache: str | Path,
    on_event: Callable[[FetchEvent], None] | None = None,
    **options: Unpack[FetchKeywords],
) -> Fetched:
    """Fetch a release to this host, and return when all its images are in place.

    Args:
        store: The store's URL, as `open_store` takes it.
        release: `DEMO@VERSION`, or `DEMO` for the latest, which must not be older than one fetched to `cache` before.
        trust: The keys, or files of keys, of which one must have signed the release.
        dest: The folder for the images; metadata files go to its folder `metadata`.
        cache: The folder for layers; updates and other hosts use them again.
        on_event: Called with each event, in order; must return soon, for the fetch waits.
        options: Further fields of `FetchOptions`. With `seed_for` the call returns when the seeding is over.

    Returns:
        Seconds taken, bytes by source (`bytes.store`, `.peers`, `.reused`, `.wasted`, `.images`), and hosts met.

    Raises:
        DcdistError: See `dcdist.errors`; what was fetched is kept, and a later call goes on from there.
        KeyboardInterrupt: Ctrl-C; what was fetched is kept.
    """
    keys = _trusted(trust)
    asked = FetchOptions(dest=Path(dest), cache=Path(cache), **options)

    report = on_event or _ignore

    async def run() -> Fetched:
        async with open_store(store, retried=lambda *told: report(troubles.retried(*told))) as opened:
            return await fetch_by_name(opened, release, asked, trust=keys, report=report)

    return asyncio.run(run())


def publish_release(
    store: str,
    release: str,
    files: Sequence[str | Path],
    *,
    key: str | Path,
    metadata: str | Path | None = None,
    level: int = 9,
    on_event: Callable[[PublishEvent], None] | None = None,
) -> Published:
    """Publish files as the images of a release, in start order.

    Args:
        store: The store's URL, as `open_store` takes it.
        release: `DEMO@VERSION`.
        files: The images; each is published under its file name.
        key: The file of the publisher's private key.
        metadata: A folder of small files that come along.
        level: zstd's level, 1 to 22.
        on_event: Called with each event, in order; must return soon.

    Returns:
        The release, and what of it was new, reused and uploaded, in bytes.

    Raises:
        ReleaseExistsError: The release exists with other content.
        XvaError: An image is a damaged XVA; nothing was published.
        DcdistError: See `dcdist.errors`.
    """
    # Those who only fetch need no publishing.
    from dcdist.publishing import ImageSource, PublishRequest, publish

    request = PublishRequest(
        ReleaseName.parse(release),
        tuple(ImageSource.of(Path(file)) for file in files),
        read_private_key(Path(key)),
        metadata=None if metadata is None else Path(metadata),
        level=level,
    )

    async def run() -> Published:
        async with open_store(store) as opened:
            return await publish(opened, request, report=on_event or _ignore)

    return asyncio.run(run())


def _trusted(trust: Trust | Sequence[Trust]) -> tuple[PublicKey, ...]:
    several = [trust] if isinstance(trust, str | Path | PublicKey) else trust
    return tuple(each if isinstance(each, PublicKey) else read_public_key(Path(each)) for each in several)


def _ignore(_event: object) -> None:
    """Nobody watches."""
