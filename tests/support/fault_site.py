"""A release in a real Swift, and hosts that fetch it, in this process or as processes of their own."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import dcdist
from dcdist.engine.fetch_events import Progress, Trouble, Troubled
from dcdist.engine.flat_options import fetch_options
from tests.support.publishing import KEY, Publisher, noise
from tests.support.swarms import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence

    from dcdist import Fetched, FetchEvent, FetchOptions, Release, Store
    from dcdist.formats.signature import PublicKey
    from tools.lab.swift import Swift

MIB = 1 << 20
IMAGE = noise(42, 12 * MIB + 12_345)
_ROOT = Path(__file__).parents[2]
Record = dict[str, Any]


@dataclass
class FaultSite:
    """`web@1` in a container of its own. Hosts have names, and folders of those names."""

    swift: Swift
    container: str
    folder: Path
    release: Release
    image: bytes = field(default=IMAGE, repr=False)
    events: dict[str, list[FetchEvent]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Of the store."""
        return f"swift://{self.container}/demos"

    def environment(self, port: int | None = None) -> dict[str, str]:
        """What clients sign in with; through a link that listens on `port`, if there is one."""
        found = self.swift.environment
        return found if port is None else {**found, "ST_AUTH": f"http://127.0.0.1:{port}/auth/v1.0"}

    @asynccontextmanager
    async def store(self, host: str = "a", port: int | None = None) -> AsyncIterator[Store]:
        """As a host opens it: what fails is among its events."""
        told = self.events.setdefault(host, [])

        def retried(error: dcdist.errors.StoreError, number: int, delay: float) -> None:
            told.append(
                Troubled(f"{error}; try {number}, next in {delay}", Trouble.STORE, f"{error.store}/{error.key}")
            )

        async with dcdist.open_store(
            self.url, environment=self.environment(port), retried=retried, report=told.append
        ) as store:
            yield store

    def options(self, host: str = "a") -> FetchOptions:
        """A fetch from the store alone."""
        return dcdist.FetchOptions(dest=self.dest(host), cache=self.folder / host / "cache", swarm=False)

    def trading(self, host: str, **flat: object) -> FetchOptions:
        """A fetch that trades; `flat` as for `fetch_release`."""
        there = {"dest": self.dest(host), "cache": self.folder / host / "cache", "listen": ("127.0.0.1", 0)}
        return fetch_options(**there | flat)

    async def fetch(self, host: str = "a", options: FetchOptions | None = None, port: int | None = None) -> Fetched:
        """A whole fetch in this process, from finding the release on."""
        async with self.store(host, port) as store:
            told = self.events[host]
            release = await dcdist.find_release(store, "web@1", trust=[KEY.public], report=told.append)
            return await dcdist.fetch(store, release, options or self.options(host), report=told.append)

    def dest(self, host: str = "a") -> Path:
        """Where a host's images go."""
        return self.folder / host / "images"

    def is_right(self, host: str = "a") -> bool:
        """Whether a host has the image, byte for byte."""
        return (self.dest(host) / "web.img").read_bytes() == self.image

    def troubles(self, kind: Trouble, host: str = "a") -> list[Troubled]:
        """What a host was told of one kind."""
        return [each for each in self.events.get(host, []) if isinstance(each, Troubled) and each.kind is kind]

    def came(self, host: str = "a") -> int:
        """Bytes of layers that a host had at its last report."""
        told = [each.layer_bytes for each in self.events.get(host, []) if isinstance(each, Progress)]
        return told[-1] if told else 0

    async def publish_more(self, name: str) -> None:
        """Another version: the same image, and a small one beside it."""
        async with dcdist.open_store(self.url, environment=self.environment()) as store:
            publisher = Publisher(store, trusted=(KEY.public,))
            await publisher.publish(name, {"web.img": self.image, "more.img": noise(43, MIB)})

    @property
    def key(self) -> PublicKey:
        """What signs."""
        return KEY.public

    @property
    def layer(self) -> str:
        """The path of the release's only layer, as Swift has it."""
        (entry,) = self.release.layers
        return f"{self.container}/demos/layers/{entry.name}"

    @property
    def segment(self) -> str:
        """The path of its only segment."""
        return f"{self.layer}/segments/00000"

    @property
    def segment_source(self) -> str:
        """How the segment is named as a source."""
        (entry,) = self.release.layers
        return f"{self.url}/layers/{entry.name}/segments/00000"

    @asynccontextmanager
    async def host(
        self, name: str, *more: str | Path, port: int | None = None, command: str = "fetch", wrapper: Sequence[str] = ()
    ) -> AsyncIterator[HostProcess]:
        """A host as a process, with a log; ended at the end if it still runs. `wrapper` stands before the command."""
        (self.folder / name).mkdir(exist_ok=True)
        trust = self.folder / "publisher.pub"
        trust.write_text(KEY.public.to_pem())
        where: list[str | Path] = ["--dest", self.dest(name)] if command == "fetch" else []
        seed = ["--seed-for", "0"] if command == "fetch" and "--seed-for" not in more else []
        log = self.folder / name / "log"
        arguments: list[str | Path] = [
            command, "web@1", "--store", self.url, "--trust", trust, *where, "--cache", self.folder / name / "cache",
            "--json", "--log-file", log, *seed, *more,
        ]  # fmt: skip
        async with running_host(arguments, self.environment(port), log, wrapper) as process:
            yield process

    @asynccontextmanager
    async def publisher(self, name: str, image: Path) -> AsyncIterator[HostProcess]:
        """A publish of one image as a process."""
        key = self.folder / "publisher.key"
        key.write_text(KEY.to_pem())
        log = self.folder / "publish.log"
        arguments: list[str | Path] = [
            "publish", name, image, "--store", self.url, "--key", key, "--level", "1", "--json", "--log-file", log,
        ]  # fmt: skip
        async with running_host(arguments, self.environment(), log) as process:
            yield process


@asynccontextmanager
async def running_host(
    arguments: list[str | Path], environment: Mapping[str, str], log: Path, wrapper: Sequence[str] = ()
) -> AsyncIterator[HostProcess]:
    """`python -m dcdist` with these arguments."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DCDIST_", "ST_", "OS_"))}
    process = await asyncio.create_subprocess_exec(
        *wrapper,
        sys.executable,
        "-m",
        "dcdist",
        *map(str, arguments),
        cwd=_ROOT,
        env={**kept, **environment},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    host = HostProcess(process, log)
    try:
        yield host
    finally:
        await host.end()


class HostProcess:
    """A running command and what it says."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self.process = process
        self.log = log
        self.records: list[Record] = []
        self.errors = ""
        self._reading = asyncio.gather(self._read(), self._read_errors())

    async def _read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.records.append(json.loads(line))

    async def _read_errors(self) -> None:
        assert self.process.stderr is not None
        self.errors = (await self.process.stderr.read()).decode()

    async def until(self, condition: Callable[[Record], bool]) -> Record:
        """Wait for a record that meets a condition, also among those that came before."""
        found: list[Record] = []

        def look() -> bool:
            assert self.process.returncode is None or not self._reading.done() or self._matching(condition), self.said()
            found.extend(self._matching(condition))
            return bool(found)

        await until(look)
        return found[0]

    async def has(self, amount: int) -> Record:
        """Wait until so many bytes of layers are there."""
        return await self.until(lambda record: record["event"] == "progress" and record["layer_bytes"] >= amount)

    async def says(self, event: str) -> Record:
        """Wait for an event."""
        return await self.until(lambda record: record["event"] == event)

    async def done(self) -> int:
        """Wait for the end; the exit code."""
        code = await self.process.wait()
        await self._reading
        return code

    async def succeeded(self) -> Record:
        """Wait for the end, which must be good; the last record."""
        assert await self.done() == 0, self.said()
        return self.records[-1]

    def worker(self) -> int:
        """The process that does a fetch."""
        (child,) = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return int(child)

    def kill(self) -> None:
        """Let the host vanish, as by a power cut: the process that works, and with it its command."""
        for pid in (self.worker(), self.process.pid):
            os.kill(pid, signal.SIGKILL)

    def logged(self, event: str = "") -> list[Record]:
        """The lines of its log, of one event or all."""
        lines = [json.loads(line) for line in self.log.read_text().splitlines()]
        return [line for line in lines if event in {"", line["event"]}]

    def troubles(self, kind: Trouble) -> list[Record]:
        """What went wrong, of one kind, as its log has it."""
        return [line for line in self.logged("troubled") if line["kind"] == kind]

    def said(self) -> str:
        """For a test that failed."""
        return f"code {self.process.returncode}, {self.records[-3:]}, {self.errors}"

    async def end(self) -> None:
        """End it, and whatever still works for it."""
        if self.process.returncode is None:
            self.process.terminate()
            try:
                async with asyncio.timeout(20):
                    await self.process.wait()
            except TimeoutError:
                self.process.kill()
                await self.process.wait()
        await self._reading

    def _matching(self, condition: Callable[[Record], bool]) -> list[Record]:
        return [record for record in self.records if condition(record)]


@pytest.fixture
async def site(swift: Swift, container: str, tmp_path: Path) -> FaultSite:
    """A release of one layer of 12 MiB."""
    return await publish_site(swift, container, tmp_path)


async def publish_site(swift: Swift, container: str, folder: Path, image: bytes = IMAGE) -> FaultSite:
    """Another one."""
    async with dcdist.open_store(f"swift://{container}/demos", environment=swift.environment) as store:
        published = await Publisher(store).publish("web@1", {"web.img": image})
    return FaultSite(swift, container, folder, published.release, image)
