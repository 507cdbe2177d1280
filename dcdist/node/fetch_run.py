"""A whole fetch: all checks, metadata, images from the store and from other hosts, then seeding.

It owns all that a fetch opens. However it ends, what was fetched is flushed and recorded, and no image is half there.
What can be known before the first byte is checked before anything in the destination changes.
"""

from __future__ import annotations

import asyncio
import secrets
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

from dcdist.disk import DirectoryCache, DirectoryDestination, Solitary
from dcdist.engine.byte_counts import ByteCounts
from dcdist.engine.fetch_events import Fetched, ReleaseFound, Seeding
from dcdist.engine.fetch_job import Job, Ports
from dcdist.engine.fetch_options import require_fetch_options
from dcdist.engine.frame_source import FrameReader
from dcdist.engine.image_writer import ImageWriter
from dcdist.engine.layer_fetch import LayerFetch
from dcdist.engine.preparation import make_plan, plan_of_layers
from dcdist.errors import UsageError
from dcdist.model.identity import HostId, show_address
from dcdist.model.space import require_space
from dcdist.node.allocator import keep_buffers
from dcdist.node.delivery import Delivery
from dcdist.node.presence import Presence
from dcdist.node.reusable_frames import known_frames
from dcdist.node.succession import Succession
from dcdist.node.tracing import writing_trace
from dcdist.policy.requests.pacing import Pace
from dcdist.store import Paced
from dcdist.tasks import single_error

if TYPE_CHECKING:
    from collections.abc import Callable

    from dcdist.engine.fetch_events import FetchEvent
    from dcdist.engine.fetch_options import FetchOptions
    from dcdist.engine.fetch_plan import FetchPlan
    from dcdist.model.release import Image, Release
    from dcdist.ports.images import ImageFile
    from dcdist.ports.store import Store
    from dcdist.ports.swarm import Swarm

_FRAME_THREADS = 2
"""Threads that read, check and unpack frames, and write images."""


async def fetch(
    store: Store,
    release: Release,
    options: FetchOptions,
    *,
    report: Callable[[FetchEvent], None],
    stop: asyncio.Event | None = None,
) -> Fetched:
    """Bring a verified release to this host, and give it to other hosts for `options.seed_for` seconds.

    Args:
        store: As `open_store` gives it.
        release: As `find_release` gives it.
        options: Where to and how. Without `dest`, all layers come to the cache, and no image is written.
        report: Called with each event, in order, on the event loop; must not block.
        stop: Set it to end the seeding early.

    Raises:
        UsageError: `options` are not `FetchOptions`.
        DcdistError: See `dcdist.errors`; what was fetched is kept, and a later fetch goes on from there.
    """
    require_fetch_options(options)
    begun = asyncio.get_running_loop().time()
    async with AsyncExitStack() as stack:
        delivery = None
        if options.dest is not None:
            destination = DirectoryDestination(options.dest, release, report=report)
            delivery = Delivery(destination, release, options, report)
            await stack.enter_async_context(destination)
            await delivery.prepare()
        cache = await stack.enter_async_context(DirectoryCache(options.cache, report=report))
        await cache.make_private()
        if delivery is None:
            plan = await plan_of_layers(store, cache, release, report)
        else:
            # A fetch that finds all in place and will not seed disturbs nobody: not the seeder of its cache either.
            gives = options.swarm and not options.metadata_only and bool(delivery.missing or options.seed_for > 0)
            held = await cache.complete_layers() if gives else ()
            plan = await make_plan(store, cache, release, delivery.missing, report, held=held)
        run = FetchRun(store, release, plan, options, cache, delivery, report)
        with single_error():
            return await run.run(begun, stop or asyncio.Event())


async def seed(
    store: Store,
    release: Release,
    options: FetchOptions,
    *,
    report: Callable[[FetchEvent], None],
    stop: asyncio.Event,
) -> None:
    """Hold all layers of a release, bringing those that are missing, and give them to other hosts until `stop` is set.

    This is a fetch that writes no image and seeds without end, whatever `options` say of that.

    Raises:
        UsageError: `options` say that there is no swarm, or are not `FetchOptions`.
        DcdistError: See `dcdist.errors`.
    """
    require_fetch_options(options)
    if not options.swarm:
        raise UsageError("a seeder needs the swarm: omit --no-swarm (swarm=False)")
    await fetch(store, release, replace(options, dest=None, seed_for=float("inf")), report=report, stop=stop)


class FetchRun:
    """What one fetch or seeder has open."""

    def __init__(
        self,
        store: Store,
        release: Release,
        plan: FetchPlan,
        options: FetchOptions,
        cache: DirectoryCache,
        delivery: Delivery | None,
        report: Callable[[FetchEvent], None],
    ) -> None:
        self._store = store
        self._release = release
        self._plan = plan
        self._options = options
        self._cache = cache
        self._delivery = delivery
        self._report = report
        self._counts = ByteCounts(plan)
        self._host = HostId(secrets.token_hex(16))
        self._presence = Presence(store, release, options, brings=bool(plan.needed), host=self._host, report=report)

    async def run(self, begun: float, stop: asyncio.Event) -> Fetched:
        """Fetch, report, seed. `begun`: the time of the loop when the fetch began."""
        keep_buffers()
        loop = asyncio.get_running_loop()
        await self._require_space()
        async with AsyncExitStack() as stack:
            # Closed in the reverse order: threads, swarm (which flushes), layers, images.
            files = [] if self._delivery is None else await self._delivery.create(self._plan, stack)
            succession = stack.enter_context(Succession(self._options.cache, report=self._report))
            layers = await stack.enter_async_context(AsyncExitStack())
            if self._options.swarm and self._plan.layers:
                swarm = await self._presence.open(stack, succession)
            else:
                swarm = await stack.enter_async_context(Solitary())
            frames = await stack.enter_async_context(FrameReader(threads=_FRAME_THREADS))
            writer = ImageWriter(self._plan, files, frames, written=self._counts.written)
            fetching = await self._make_fetching(swarm, writer, stack)
            await self._begin()
            async with asyncio.TaskGroup() as group:
                running = group.create_task(fetching.run(layers))
                writing = group.create_task(writer.run())
                finishing = [group.create_task(self._finish(number, file, writer)) for number, file in enumerate(files)]
                if finishing:
                    await asyncio.wait(finishing)
                if self._delivery is not None:
                    await self._delivery.complete()
                await fetching.wait_for_layers()
                writing.cancel()
                self._counts.swarm = await swarm.latest_statistics()
                fetched = self._fetched(swarm, fetching, loop.time() - begun)
                self._report(fetched)
                if self._presence.trades and self._options.seed_for > 0:
                    fetching.become_seeder()
                    await self._seed(succession, swarm.port, stop)
                    self._counts.swarm = await swarm.latest_statistics()
                    self._report(self._counts.progress())
                running.cancel()
        return fetched

    def _fetched(self, swarm: Swarm, fetching: LayerFetch, seconds: float) -> Fetched:
        fetching.reach.look()
        advertised = fetching.reach.advertised
        return Fetched(
            self._release.name,
            seconds,
            self._counts.counted(),
            self._counts.swarm.peers_seen,
            fetching.reach.counts,
            ", ".join(map(show_address, swarm.listening)) or None,
            None if advertised is None else show_address(advertised),
        )

    async def _seed(self, succession: Succession, port: int, stop: asyncio.Event) -> None:
        endless = self._options.seed_for == float("inf")
        self._report(Seeding(0.0 if endless else self._options.seed_for))
        try:
            async with asyncio.timeout(None if endless else self._options.seed_for):
                await (stop.wait() if endless else succession.hold(port, stop))
        except TimeoutError:
            pass

    async def _require_space(self) -> None:
        # Those that are only given are whole: what a compressing file system says of them would count as missing.
        needed = (layer.entry for layer in self._plan.layers if layer.entry.name in self._plan.needed)
        lengths = {entry.name: entry.length for entry in needed}
        needs = [await self._cache.need(lengths)]
        if self._delivery is not None:
            needs.append(await self._delivery.need(self._plan))
        require_space(needs)

    async def _begin(self) -> None:
        """Nothing that can be known now keeps the fetch from its end: from here on the destination changes."""
        images: tuple[Image, ...] = ()
        if self._delivery is not None:
            await self._delivery.begin()
            images = self._delivery.images
        image_bytes = sum(image.size for image in images)
        name, every = self._release.name, self._release.images
        layer_bytes, all_bytes = self._plan.needed_bytes, self._release.image_bytes
        self._report(ReleaseFound(name, len(images), image_bytes, layer_bytes, len(every), all_bytes))
        if self._delivery is not None:
            self._delivery.tell_found()

    async def _make_fetching(self, swarm: Swarm, writer: ImageWriter, stack: AsyncExitStack) -> LayerFetch:
        options = self._options
        rendezvous = self._presence.meet(stack)
        pace = Pace(options.rates.store)
        job = Job(
            host=self._host,
            release=self._release,
            plan=self._plan,
            known=await known_frames(self._cache, self._release),
            options=options,
            advertise=self._presence.advertise,
            pace=pace,
        )
        return LayerFetch(
            job,
            Ports(Paced(self._store, pace), self._cache, swarm, rendezvous),
            self._counts,
            arrived=writer.frames_arrived,
            report=self._report,
            trace=stack.enter_context(writing_trace(options.trace, self._report)) if options.trace else None,
        )

    async def _finish(self, number: int, file: ImageFile, writer: ImageWriter) -> None:
        await writer.wait_for_image(number)
        if self._delivery is not None:
            await self._delivery.place(self._plan.images[number].image, file)
