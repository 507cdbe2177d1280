"""A whole fetch: metadata first, then images from the store and from other hosts, then seeding.

It owns all that a fetch opens. However it ends, what was fetched is flushed and recorded, and no image is half there.
"""

from __future__ import annotations

import asyncio
import secrets
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from dcdist.disk import DirectoryCache, DirectoryDestination, Solitary
from dcdist.engine.byte_counts import ByteCounts
from dcdist.engine.fetch_events import Fetched, ImageFinished, MetadataWritten, ReleaseFound, Seeding, Trouble, Troubled
from dcdist.engine.fetch_job import Job, Ports
from dcdist.engine.fetch_options import require_fetch_options
from dcdist.engine.frame_source import FrameReader
from dcdist.engine.image_writer import ImageWriter
from dcdist.engine.layer_fetch import LayerFetch
from dcdist.engine.preparation import choose_images, make_plan, plan_of_layers
from dcdist.errors import UsageError
from dcdist.model.identity import HostId
from dcdist.model.space import require_space
from dcdist.node.addresses import OwnAddress
from dcdist.node.allocator import keep_buffers
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
    from dcdist.model.identity import Address
    from dcdist.model.release import Image, Release
    from dcdist.ports.images import Destination, ImageFile
    from dcdist.ports.rendezvous import Rendezvous
    from dcdist.ports.store import Store
    from dcdist.ports.swarm import Swarm

_FRAME_THREADS = 2
"""Threads that read, check and unpack frames, and write images."""

_GIVE_ADDRESS = "give one with --advertise IP:PORT (advertise)"
_GO_ON = f"The fetch goes on without them; {_GIVE_ADDRESS}"

_WITHDRAWAL = 2.0
"""Seconds that the end of a fetch waits for its heartbeat to be deleted."""


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
        destination = None
        wanted: tuple[Image, ...] = ()
        missing: list[Image] = []
        if options.dest is not None:
            destination = await stack.enter_async_context(DirectoryDestination(options.dest))
            for file in release.metadata:
                await destination.write_metadata(file.path, file.content, executable=file.executable)
            report(MetadataWritten(len(release.metadata)))
            wanted = () if options.metadata_only else choose_images(release, options.images)
            missing = [image for image in wanted if not await destination.has(image.name, image.size, image.digest)]
        cache = await stack.enter_async_context(DirectoryCache(options.cache))
        if destination is None:
            plan = await plan_of_layers(store, cache, release, report)
        else:
            held = await cache.complete_layers() if options.swarm else ()
            plan = await make_plan(store, cache, release, missing, report, held=held)
        image_bytes, layer_bytes = sum(image.size for image in wanted), plan.needed_bytes
        report(
            ReleaseFound(release.name, len(wanted), image_bytes, layer_bytes, len(release.images), release.image_bytes)
        )
        for image in wanted:
            if image not in missing:
                report(ImageFinished(image.name, image.size))
        run = FetchRun(store, release, plan, options, cache, destination, report)
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
        destination: Destination | None,
        report: Callable[[FetchEvent], None],
    ) -> None:
        self._store = store
        self._release = release
        self._plan = plan
        self._options = options
        self._cache = cache
        self._destination = destination
        self._report = report
        self._counts = ByteCounts(plan)
        self._own_address: OwnAddress | None = None

    async def run(self, begun: float, stop: asyncio.Event) -> Fetched:
        """Fetch, report, seed. `begun`: the time of the loop when the fetch began."""
        keep_buffers()
        loop = asyncio.get_running_loop()
        await self._require_space()
        async with AsyncExitStack() as stack:
            # Closed in the reverse order: threads, swarm (which flushes), layers, images.
            files = await self._create_images(stack)
            succession = stack.enter_context(Succession(self._options.cache, report=self._report))
            layers = await stack.enter_async_context(AsyncExitStack())
            swarm = await self._open_swarm(stack, succession)
            frames = await stack.enter_async_context(FrameReader(threads=_FRAME_THREADS))
            writer = ImageWriter(self._plan, files, frames, written=self._counts.written)
            fetching = await self._make_fetching(swarm, writer, stack)
            async with asyncio.TaskGroup() as group:
                running = group.create_task(fetching.run(layers))
                writing = group.create_task(writer.run())
                finishing = [group.create_task(self._finish(number, file, writer)) for number, file in enumerate(files)]
                if finishing:
                    await asyncio.wait(finishing)
                await fetching.wait_for_layers()
                writing.cancel()
                statistics = await swarm.latest_statistics()
                self._counts.swarm = statistics
                fetched = Fetched(
                    self._release.name, loop.time() - begun, self._counts.counted(), statistics.peers_seen
                )
                self._report(fetched)
                if self._options.swarm and self._plan.layers and self._options.seed_for > 0:
                    fetching.become_seeder()
                    await self._seed(succession, swarm.port, stop)
                running.cancel()
        return fetched

    async def _seed(self, succession: Succession, port: int, stop: asyncio.Event) -> None:
        endless = self._options.seed_for == float("inf")
        self._report(Seeding(0.0 if endless else self._options.seed_for))
        try:
            async with asyncio.timeout(None if endless else self._options.seed_for):
                await (stop.wait() if endless else succession.hold(port, stop))
        except TimeoutError:
            pass

    async def _require_space(self) -> None:
        lengths = {layer.entry.name: layer.entry.length for layer in self._plan.layers}
        needs = [await self._cache.need(lengths)]
        if self._destination is not None:
            sizes = {planned.image.name: planned.extents.content_length for planned in self._plan.images}
            needs.append(await self._destination.need(sizes))
        require_space(needs)

    async def _create_images(self, stack: AsyncExitStack) -> list[ImageFile]:
        files: list[ImageFile] = []
        if self._destination is None:
            return files
        for planned in self._plan.images:
            file = await self._destination.create(planned.image.name, planned.image.size)
            stack.push_async_callback(file.abandon)
            files.append(file)
        return files

    async def _open_swarm(self, stack: AsyncExitStack, succession: Succession) -> Swarm:
        if not self._options.swarm or not self._plan.layers:
            return await stack.enter_async_context(Solitary())
        # Imported only where there is a swarm: libtorrent is large.
        from dcdist.swarm import open_swarm

        host = self._store.host if _keeps_heartbeats(self._store) else ""
        self._own_address = await asyncio.to_thread(OwnAddress, self._options.reach, host)
        if port := self._own_address.listen[1]:
            await succession.free(port)
        swarm = await stack.enter_async_context(open_swarm(self._own_address.listen))
        swarm.limit(up=self._options.rates.up, down=self._options.rates.down)
        return swarm

    async def _make_fetching(self, swarm: Swarm, writer: ImageWriter, stack: AsyncExitStack) -> LayerFetch:
        options, own_address = self._options, self._own_address
        rendezvous = None
        advertise: Callable[[], Address | None] = _nowhere
        if own_address is not None and _keeps_heartbeats(self._store):
            advertise = partial(own_address.now, swarm.port)
            if self._is_findable(own_address, advertise()):
                from dcdist import swarm as adapters

                demo, realm = self._release.name.demo, options.reach.realm
                rendezvous = adapters.StoreRendezvous(self._store, demo=demo, realm=realm)
                stack.push_async_callback(_withdraw, rendezvous)
        pace = Pace(options.rates.store)
        job = Job(
            host=HostId(secrets.token_hex(16)),
            release=self._release,
            plan=self._plan,
            known=await known_frames(self._cache, self._release),
            options=options,
            advertise=advertise,
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

    def _is_findable(self, own_address: OwnAddress, announced: Address | None) -> bool:
        """Whether there is an address to announce; reports what may keep other hosts from it.

        Raises:
            UsageError: There is none, and this host can do nothing without the others.
        """
        if announced is None:
            needs_others = not self._options.draw or self._destination is None
            if needs_others and not self._options.reach.peers:
                raise UsageError(f"this host has no address that others could connect to: {_GIVE_ADDRESS}")
            message = f"other hosts cannot find this one: it has no address that they could connect to. {_GO_ON}"
            self._report(Troubled(message, Trouble.RENDEZVOUS))
            return False
        if doubt := own_address.doubt(announced):
            self._report(Troubled(doubt, Trouble.RENDEZVOUS))
        return True

    async def _finish(self, number: int, file: ImageFile, writer: ImageWriter) -> None:
        image = self._plan.images[number].image
        await writer.wait_for_image(number)
        await file.finish()
        if self._destination is not None:
            await self._destination.remember(image.name, image.digest)
        self._report(ImageFinished(image.name, image.size))


def _keeps_heartbeats(store: Store) -> bool:
    return store.capabilities.writable and store.capabilities.listable


def _nowhere() -> None:
    """The address of a host that is not announced."""


async def _withdraw(rendezvous: Rendezvous) -> None:
    """Delete the heartbeat, if the store answers soon: nobody should wait for it at the end."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_WITHDRAWAL):
            await rendezvous.withdraw()
