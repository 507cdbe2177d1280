"""One race: a contender in a scenario, from an empty network to the last host's checked file.

Invariant: when it returns, nothing that it started runs any more.
"""

from __future__ import annotations

import json
import selectors
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from benchmarks.compare.contender import Site
from benchmarks.compare.outcome import HostOutcome, Race, Sample
from benchmarks.compare.scenarios import STORE
from benchmarks.measure import PROJECT, BenchmarkError
from tools.lab.digest import digest_of
from tools.lab.network import Network

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.compare.contender import Contender, Job, Payload
    from benchmarks.compare.scenarios import Scenario

PayloadRate = Callable[[float], float]
"""Payload bytes a second of a link of so many bits a second."""

SAMPLE_SECONDS = 0.25
_HEAD_START = 0.3
"""Seconds from the signal to the start, so that all hosts have it."""


@dataclass(frozen=True, slots=True)
class Course:
    """What a race is measured by: the limit's rates, the cost of a copy, and where all happens.

    `size`: bytes of the layers; `payload_rate`: payload bytes a second of a link of so many bits a second; `cost`:
    bytes at the store's interface for each byte of payload.
    """

    scenario: Scenario
    payload: Payload
    size: int
    payload_rate: PayloadRate
    cost: float
    folder: Path
    stock: Path


@dataclass(slots=True)
class _Host:
    """One host's agent and what it has told."""

    name: str
    agent: subprocess.Popen[str]
    output: Path
    finished: float | None = None
    failure: str | None = None


@dataclass(slots=True)
class _Watch:
    """What was seen during the race."""

    samples: list[Sample] = field(default_factory=list)
    failure: str | None = None
    called_off: float | None = None


def run(course: Course, contender: Contender, number: int, *, call_off: float | None = None) -> Race:
    """Race once; a contender that fails or takes too long is told in the outcome.

    `call_off`: times the limit after which it is stopped, None for as long as such a contender may need.
    """
    scenario = course.scenario
    limit = scenario.limit(course.size, course.payload_rate)
    watch = _Watch()
    hosts: list[_Host] = []
    begun, busy = time.monotonic(), _cpu()
    traffic: dict[str, tuple[int, int]] = {}
    try:
        with ExitStack() as stack:
            network = stack.enter_context(Network(scenario.links))
            site = Site(network, scenario, course.payload, course.folder, course.stock)
            hosts = _line_up(stack, site, contender)
            before = network.counted()
            begun, busy = _start(hosts, scenario), _cpu()
            _follow(hosts, network, begun, watch, _Patience.of(course, contender, limit.seconds, call_off))
            busy = _busy_since(busy)
            after = network.counted()
            traffic = {
                name: (after[name].sent - before[name].sent, after[name].received - before[name].received)
                for name in after
            }
            if watch.failure is None and watch.called_off is None:
                watch.failure = _check(hosts, course.payload.digest, contender.name)
    except (BenchmarkError, OSError, subprocess.SubprocessError) as fault:
        watch.failure = str(fault)
    finally:
        shutil.rmtree(course.folder, ignore_errors=True)
    return Race(
        scenario=scenario.name,
        contender=contender.name,
        round=number,
        size=course.size,
        copy=round(course.size * course.cost),
        limit_seconds=limit.seconds,
        limit_copies=limit.copies,
        own_limits=scenario.own_limits(course.size, course.payload_rate),
        judged=scenario.judged,
        together=scenario.together,
        hosts=tuple(_outcome(host, scenario, begun, traffic) for host in hosts if host.finished is not None),
        store_sent=traffic.get(STORE, (0, 0))[0],
        samples=tuple(watch.samples),
        cpu=busy[0] / max(1, busy[1]),
        failure=watch.failure,
        called_off=watch.called_off,
    )


@dataclass(frozen=True, slots=True)
class _Patience:
    """How many seconds a race may last; `called_off`: it then ends as planned, at so many times the limit."""

    seconds: float
    called_off: float | None = None

    @classmethod
    def of(cls, course: Course, contender: Contender, limit: float, call_off: float | None) -> _Patience:
        """As planned, or else several times what such a contender can be expected to need."""
        begins = max(course.scenario.starts.values())
        if call_off is not None:
            return cls(begins + call_off * limit, call_off)
        if contender.swarm:
            return cls(60 + begins + 6 * limit)
        each = course.size / course.payload_rate(course.scenario.store.up)
        # Compressed layers are smaller than the image that others carry whole.
        whole = course.payload.image.stat().st_size / course.size
        return cls(60 + begins + 1.6 * whole * len(course.scenario.hosts) * each)


def _line_up(stack: ExitStack, site: Site, contender: Contender) -> list[_Host]:
    for name in site.scenario.hosts:
        site.host_folder(name).mkdir(parents=True)
    stack.enter_context(contender.serve(site))
    hosts = []
    for name in site.scenario.hosts:
        contender.prepare(site, name)
        job = contender.job(site, name)
        hosts.append(_Host(name, stack.enter_context(_agent(site, name, job)), job.output))
    for host in hosts:
        assert host.agent.stdout is not None
        if host.agent.stdout.readline() != "ready\n":
            raise BenchmarkError(f"the agent of {host.name} did not start")
    return hosts


@contextmanager
def _agent(site: Site, name: str, job: Job) -> Iterator[subprocess.Popen[str]]:
    command = [*site.network.command(name), sys.executable, "-m", "benchmarks.compare.agent"]
    order = {**asdict(job), "output": str(job.output), "log": str(site.folder / f"{name}.log")}
    with subprocess.Popen(
        command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as agent:
        try:
            _tell(agent.stdin, order)
            yield agent
        finally:
            assert agent.stdin is not None
            agent.stdin.close()
            agent.wait()


def _start(hosts: list[_Host], scenario: Scenario) -> float:
    """Send the signal; the time at which it counts."""
    begun = time.monotonic() + _HEAD_START
    for host in hosts:
        _tell(host.agent.stdin, {"start": begun + scenario.starts[host.name]})
    return begun


def _follow(hosts: list[_Host], network: Network, begun: float, watch: _Watch, patience: _Patience) -> None:
    """Take samples until every host is done, one failed, or it takes too long."""
    zero = network.counted()
    with selectors.DefaultSelector() as selector:
        for host in hosts:
            assert host.agent.stdout is not None
            selector.register(host.agent.stdout, selectors.EVENT_READ, host)
        while any(host.finished is None for host in hosts):
            now = network.counted()
            at = time.monotonic() - begun
            received = tuple(now[host.name].received - zero[host.name].received for host in hosts)
            watch.samples.append(Sample(at, now[STORE].sent - zero[STORE].sent, received))
            if at > patience.seconds:
                watch.called_off = patience.called_off
                watch.failure = None if patience.called_off else f"not done after {patience.seconds:.0f} s"
                return
            for key, _ in selector.select(SAMPLE_SECONDS):
                _hear(key.data)
                selector.unregister(key.fileobj)
            failed = next((host for host in hosts if host.failure), None)
            if failed is not None:
                watch.failure = f"{failed.name}: {failed.failure}"
                return


def _hear(host: _Host) -> None:
    assert host.agent.stdout is not None
    line = host.agent.stdout.readline()
    told: dict[str, Any] = json.loads(line) if line else {"failed": "its agent ended"}
    host.finished, host.failure = told.get("finished"), told.get("failed")


def _check(hosts: list[_Host], digest: str, contender: str) -> str | None:
    wrong = [host.name for host in hosts if digest_of(host.output) != digest]
    return f"{contender} brought other bytes to {', '.join(wrong)}" if wrong else None


def _outcome(host: _Host, scenario: Scenario, begun: float, traffic: dict[str, tuple[int, int]]) -> HostOutcome:
    sent, received = traffic.get(host.name, (0, 0))
    return HostOutcome(host.name, scenario.starts[host.name], (host.finished or 0.0) - begun, received, sent)


def _tell(stream: IO[str] | None, what: object) -> None:
    assert stream is not None
    stream.write(json.dumps(what) + "\n")
    stream.flush()


def _cpu() -> tuple[int, int]:
    """Busy and all ticks of the machine so far."""
    ticks = [int(each) for each in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return sum(ticks) - ticks[3] - ticks[4], sum(ticks)


def _busy_since(before: tuple[int, int]) -> tuple[int, int]:
    now = _cpu()
    return now[0] - before[0], now[1] - before[1]
