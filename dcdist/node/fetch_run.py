"""A whole fetch: metadata first, then images from the store and from other hosts, then seeding.

Owner of all that a fetch opens. However it ends, what was fetched is flushed and recorded, and no image is half there.
"""

from __future__ import annotations

import asyncio
import secrets
from contextlib import AsyncExitStack, suppress
from typing import TYPE_CHECKING

from dcdist.disk import DirectoryCache, DirectoryDestination, Solitary
from dcdist.engine.assembly import Assembly, Source
from dcdist.engine.byte_counts import Tally
from dcdist.engine.fetch_events import Fetched, ImageFinished, MetadataWritten, ReleaseFound, Seeding
from dcdist.engine.fetch_ports import Ports
from dcdist.engine.fetching import Fetching
from dcdist.engine.options import EngineOptions
from dcdist.engine.preparation import choose_images, make_plan, plan_of_layers
from dcdist.model.identity import HostId
from dcdist.model.space import require_space
from dcdist.node.addresses import advertised
from dcdist.node.allocator import keep_buffers
from dcdist.node.fetch_options import FetchOptions, SeedOptions
from dcdist.node.reusable_frames import known_frames
from dcdist.node.tracing import writing_trace
from dcdist.policy.requests.pacing import Pace
from dcdist.store import Paced
from dcdist.tasks import single_error

if TYPE_CHECKING:
    from collections.abc import Callable

    from dcdist.engine.fetch_events import FetchEvent
    from dcdist.engine.preparation import Plan
    from dcdist.model.release import Release
    from dcdist.ports.images import ImageFile
    from dcdist.ports.rendezvous import Rendezvous
    from dcdist.ports.store import Store
    from dcdist.ports.swarm import Swarm

_ASSEMBLY_THREADS = 2

_WITHDRAWAL = 2.0
"""Seconds that the end of a fetch waits for its heartbeat to be taken away."""


async def fetch(
    store: Store,
    release: Release,
    options: FetchOptions,
    *,
    report: Callable[[FetchEvent], None],
    stop: asyncio.Event | None = None,
) -> Fetched:
    """Bring a verified release to this host, and give to others for `options.seed_for` seconds.

    Args:
        store: As `open_store` gives it.
        release: As `find_release` gives it.
        options: Where to and how.
        report: Called with each event, in order, on the event loop; must not block.
        stop: Set it to end the seeding early.

    Raises:
        DcdistError: See `dcdist.errors`; what was fetched is kept, and a later fetch goes on from there.
    """
    begun = asyncio.get_running_loop().time()
    async with AsyncExitStack() as stack:
        destination = await stack.enter_async_context(DirectoryDestination(options.dest))
        for file in release.metadata:
            await destination.write_metadata(file.path, file.content)
        report(MetadataWritten(len(release.metadata)))
        wanted = () if options.metadata_only else choose_images(release, options.images)
        missing = [image for image in wanted if not await destination.has(image.name, image.size, image.digest)]
        cache = await stack.enter_async_context(DirectoryCache(options.cache))
        plan = await make_plan(store, cache, release, missing, report)
        report(
            ReleaseFound(
                release.name,
                len(wanted),
                sum(image.size for image in wanted),
                sum(entry.length for entry in plan.entries),
            )
        )
        for image in wanted:
            if image not in missing:
                report(ImageFinished(image.name, image.size))
        node = _Node(store, release, plan, options, cache, destination, report)
        with single_error():
            return await node.run(begun, stop or asyncio.Event())


async def seed(
    store: Store,
    release: Release,
    options: SeedOptions,
    *,
    report: Callable[[FetchEvent], None],
    stop: asyncio.Event,
) -> None:
    """Hold all layers of a release, bringing what is missing, and give them to other hosts until `stop` is set.

    Raises:
        DcdistError: See `dcdist.errors`.
    """
    begun = asyncio.get_running_loop().time()
    async with DirectoryCache(options.cache) as cache:
        plan = await plan_of_layers(store, cache, release, report)
        report(ReleaseFound(release.name, 0, 0, release.layer_bytes))
        as_fetch = FetchOptions(
            dest=options.cache,
            cache=options.cache,
            listen=options.listen,
            advertise=options.advertise,
            peers=options.peers,
            realm=options.realm,
            up_rate=options.up_rate,
            store_rate=options.store_rate,
            fleet_store_rate=options.fleet_store_rate,
            seed_for=float("inf"),
        )
        node = _Node(store, release, plan, as_fetch, cache, None, report)
        with single_error():
            await node.run(begun, stop)


class _Node:
    """What one fetch or seeder has open."""

    def __init__(
        self,
        store: Store,
        release: Release,
        plan: Plan,
        options: FetchOptions,
        cache: DirectoryCache,
        destination: DirectoryDestination | None,
        report: Callable[[FetchEvent], None],
    ) -> None:
        self._store = store
        self._release = release
        self._plan = plan
        self._options = options
        self._cache = cache
        self._destination = destination
        self._report = report
        self._tally = Tally(plan)
        self._sources = [
            Source(index, placements) for index, placements in zip(plan.indexes, plan.placements, strict=True)
        ]

    async def run(self, begun: float, stop: asyncio.Event) -> Fetched:
        """Fetch, tell, seed."""
        keep_buffers()
        loop = asyncio.get_running_loop()
        await self._require_space()
        async with AsyncExitStack() as stack:
            # Closed in the reverse order: threads, swarm (which flushes), layers, images.
            files = await self._create_images(stack)
            layers = await stack.enter_async_context(AsyncExitStack())
            swarm = await self._open_swarm(stack)
            assembly = await stack.enter_async_context(
                Assembly(
                    files,
                    [extents.content_length for extents in self._plan.extents],
                    threads=_ASSEMBLY_THREADS,
                    written=self._tally.written,
                )
            )
            fetching = await self._make_fetching(swarm, assembly, stack)
            async with asyncio.TaskGroup() as group:
                running = group.create_task(fetching.run(layers))
                assembling = group.create_task(assembly.run())
                finishing = [
                    group.create_task(self._finish(number, file, assembly)) for number, file in enumerate(files)
                ]
                if finishing:
                    await asyncio.wait(finishing)
                await fetching.wait_for_layers()
                assembling.cancel()
                statistics = await swarm.latest_statistics()
                self._tally.swarm = statistics
                fetched = Fetched(self._release.name, loop.time() - begun, self._tally.counted(), statistics.peers_seen)
                self._report(fetched)
                if self._options.swarm and self._plan.entries and self._options.seed_for > 0:
                    await self._seed(fetching, stop)
                running.cancel()
        return fetched

    async def _seed(self, fetching: Fetching, stop: asyncio.Event) -> None:
        fetching.become_seeder()
        endless = self._options.seed_for == float("inf")
        self._report(Seeding(0.0 if endless else self._options.seed_for))
        try:
            async with asyncio.timeout(None if endless else self._options.seed_for):
                await stop.wait()
        except TimeoutError:
            pass

    async def _require_space(self) -> None:
        needs = [await self._cache.need({entry.name: entry.length for entry in self._plan.entries})]
        if self._destination is not None:
            images = zip(self._plan.images, self._plan.extents, strict=True)
            sizes = {image.name: extents.content_length for image, extents in images}
            needs.append(await self._destination.need(sizes))
        require_space(needs)

    async def _create_images(self, stack: AsyncExitStack) -> list[ImageFile]:
        files: list[ImageFile] = []
        if self._destination is None:
            return files
        for image in self._plan.images:
            file = await self._destination.create(image.name, image.size)
            stack.push_async_callback(file.abandon)
            files.append(file)
        return files

    async def _open_swarm(self, stack: AsyncExitStack) -> Swarm:
        if not self._options.swarm or not self._plan.entries:
            return await stack.enter_async_context(Solitary())
        # libtorrent is imported by those who need it.
        from dcdist.swarm import open_swarm

        swarm = await stack.enter_async_context(open_swarm(self._options.listen or ("0.0.0.0", 0)))
        swarm.limit(up=self._options.up_rate, down=self._options.down_rate)
        return swarm

    async def _make_fetching(self, swarm: Swarm, assembly: Assembly, stack: AsyncExitStack) -> Fetching:
        options, capabilities = self._options, self._store.capabilities
        host = HostId(secrets.token_hex(16))
        meets = options.swarm and capabilities.writable and capabilities.listable and bool(self._plan.entries)
        rendezvous = None
        advertise = None
        if meets:
            from dcdist import swarm as adapters

            rendezvous = adapters.Rendezvous(self._store, demo=self._release.name.demo, realm=options.realm)
            stack.push_async_callback(_withdraw, rendezvous)
            advertise = options.advertise or await asyncio.to_thread(
                advertised, options.listen, swarm.port, self._store.host
            )
        pace = Pace(options.store_rate)
        return Fetching(
            host=host,
            release=self._release,
            plan=self._plan,
            sources=self._sources,
            options=EngineOptions(
                alone=not options.swarm,
                draw=options.draw,
                prefer=options.prefer,
                order=options.order,
                store_rate=options.store_rate,
                fleet_store_rate=options.fleet_store_rate,
                up_rate=options.up_rate,
                down_rate=options.down_rate,
                advertise=advertise,
                peers=options.peers,
            ),
            ports=Ports(Paced(self._store, pace), self._cache, swarm, rendezvous, pace),
            assembly=assembly,
            known=await known_frames(self._cache, self._release),
            tally=self._tally,
            report=self._report,
            trace=stack.enter_context(writing_trace(options.trace)) if options.trace else None,
        )

    async def _finish(self, number: int, file: ImageFile, assembly: Assembly) -> None:
        image = self._plan.images[number]
        await assembly.wait_for_image(number)
        await file.finish()
        if self._destination is not None:
            await self._destination.remember(image.name, image.digest)
        self._report(ImageFinished(image.name, image.size))


async def _withdraw(rendezvous: Rendezvous) -> None:
    """Take the heartbeat away, if the store answers soon: nobody should wait for it at the end."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_WITHDRAWAL):
            await rendezvous.withdraw()
