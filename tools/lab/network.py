"""A LAN of hosts on one machine: a network namespace for each, links shaped to a rate both ways, no way out. Root only.

Each namespace lives as long as a small process that holds it, which ends with the process that made it: nothing is left
behind, whatever happens. Links meet in a bridge that has a namespace of its own.
"""

from __future__ import annotations

import ctypes
import os
import re
import subprocess
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import TracebackType

SUBNET = "198.18.0"  # set aside for measurements; no real host has it
FRAME = 1514
MTU = 1500
CLONE_NEWNET = 0x40000000
RATE_UNITS = {"": 1.0, "k": 1e3, "m": 1e6, "g": 1e9}
# Held open by its standard input: when the maker is gone, so is the holder, and with it the namespace.
HOLDER = ["unshare", "--net", "sh", "-c", "echo ready; exec cat"]
ALLOWED = Path("/proc/sys/net/ipv4/tcp_allowed_congestion_control")
CONGESTION_CONTROL = "cubic"
SETTINGS = f"""
for name in all default; do echo 1 > /proc/sys/net/ipv6/conf/$name/disable_ipv6; done
echo 1 > /proc/sys/net/ipv4/tcp_no_metrics_save
echo {CONGESTION_CONTROL} > /proc/sys/net/ipv4/tcp_congestion_control
"""


class NetworkError(Exception):
    """The network could not be made; the message has the command's last words."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """Bytes that a host's interface has sent and received, with all headers."""

    sent: int
    received: int


@dataclass(frozen=True, slots=True)
class Link:
    """What a host's link carries, in bits a second each way; as of `100mbit` or `1gbit`."""

    up: float
    down: float

    @staticmethod
    def of(up: str, down: str | None = None) -> Link:
        """A link with the same rate both ways, or with two.

        Raises:
            ValueError: A rate is written otherwise.
        """
        return Link(parse_rate(up), parse_rate(down or up))


def parse_rate(text: str) -> float:
    """Bits a second of `100mbit` or `1gbit`.

    Raises:
        ValueError: It is not a rate.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmg]?)bit", text.strip().lower())
    if match is None:
        raise ValueError(f"{text!r} is not a rate; write it like 100mbit or 1gbit")
    return float(match[1]) * RATE_UNITS[match[2]]


class Network:
    """Hosts by name, each with a link to the others; a context manager.

    `segments` bounds how many TCP segments the kernel hands over at once. 8 keeps flows that share a link about equal;
    more of them cost less of the machine's time, 1 is what a wire carries and costs most.

    Raises:
        NetworkError: Not root, or the kernel or a tool refuses.
    """

    def __init__(self, links: Mapping[str, Link], *, segments: int = 8, queue_seconds: float = 0.05) -> None:
        if not 1 <= len(links) <= 250:
            raise ValueError("a network has 1 to 250 hosts")
        self._links = dict(links)
        self._segments = segments
        self._queue_seconds = queue_seconds
        self._holders: dict[str, int] = {}  # host -> process id of its namespace's holder; "" is the bridge
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        _allow_congestion_control()
        with self._stack:
            for name in ("", *self._links):
                self._holders[name] = self._stack.enter_context(_held())
            self._connect()
            self._stack = self._stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def address(self, host: str) -> str:
        """The host's IPv4 address."""
        return f"{SUBNET}.{list(self._links).index(host) + 1}"

    def command(self, host: str) -> list[str]:
        """What to put before a command so that it runs on the host."""
        return _inside(self._holders[host])

    @contextmanager
    def entered(self, host: str) -> Iterator[None]:
        """This thread, and the processes that it starts meanwhile, are on the host."""
        before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        there = os.open(f"/proc/{self._holders[host]}/ns/net", os.O_RDONLY)
        try:
            _set_namespace(there)
            yield
        finally:
            _set_namespace(before)
            os.close(there)
            os.close(before)

    def shape(self, host: str, link: Link) -> None:
        """Change the rates of a host's link."""
        self._links[host] = link
        index = list(self._links).index(host)
        _batch("tc", self._holders[host], [self._class(link.up, "eth0", "replace")])
        _batch("tc", self._holders[""], [self._class(link.down, f"port{index}", "replace")])

    def plug(self, host: str, *, connected: bool) -> None:
        """Pull a host's cable, or put it back."""
        index = list(self._links).index(host)
        _batch("ip", self._holders[""], [f"link set port{index} {'up' if connected else 'down'}"])

    def counted(self) -> dict[str, Traffic]:
        """What each host's interface has carried, counted at the bridge."""
        devices = Path("/proc", str(self._holders[""]), "net/dev").read_text().splitlines()[2:]
        fields = {name.strip(): values.split() for name, _, values in (line.partition(":") for line in devices)}
        # What the port receives, the host has sent.
        return {
            host: Traffic(sent=int(fields[f"port{index}"][0]), received=int(fields[f"port{index}"][8]))
            for index, host in enumerate(self._links)
        }

    def _connect(self) -> None:
        limits = f"gso_max_size {self._segments * MTU + 100} gso_max_segs {self._segments}"
        bridge = ["link set lo up", "link add br0 type bridge stp_state 0 forward_delay 0", "link set br0 up"]
        shapers = []
        for index, (host, link) in enumerate(self._links.items()):
            holder = self._holders[host]
            bridge += [
                f"link add port{index} type veth peer name eth0 netns {holder}",
                f"link set port{index} {limits} master br0 up",
            ]
            shapers += self._shaper(link.down, f"port{index}")
        _batch("ip", self._holders[""], bridge)
        _batch("tc", self._holders[""], shapers)
        for host, link in self._links.items():
            lines = ["link set lo up", f"addr add {self.address(host)}/24 dev eth0", f"link set eth0 {limits} up"]
            _batch("ip", self._holders[host], lines)
            _batch("tc", self._holders[host], self._shaper(link.up, "eth0"))

    def _shaper(self, rate: float, device: str) -> list[str]:
        queue = int(max(rate / 8 * self._queue_seconds, 2 * self._segments * FRAME, 10 * FRAME))
        return [
            f"qdisc replace dev {device} root handle 1: htb default 10",
            self._class(rate, device, "add"),
            f"qdisc replace dev {device} parent 1:10 handle 10: bfifo limit {queue}",
        ]

    def _class(self, rate: float, device: str, verb: str) -> str:
        # The bucket holds 2 ms of the rate, and at least two of the largest packets: a smaller one drops or splits
        # them, a larger one lets bursts through unshaped.
        burst = int(max(rate / 8 * 0.002, 2 * self._segments * FRAME, 5 * FRAME))
        quantum = self._segments * FRAME
        bits = f"{rate:.0f}bit"
        return (
            f"class {verb} dev {device} parent 1: classid 1:10 htb rate {bits} ceil {bits} "
            f"burst {burst} cburst {burst} quantum {quantum}"
        )


def _allow_congestion_control() -> None:
    """A namespace may only choose what the whole machine allows; a kernel without it keeps its own default."""
    try:
        allowed = ALLOWED.read_text().split()
        if CONGESTION_CONTROL not in allowed:
            ALLOWED.write_text(" ".join([*allowed, CONGESTION_CONTROL]))
    except OSError:
        return


@contextmanager
def _held() -> Iterator[int]:
    """A new network namespace; the process id of its holder."""
    with subprocess.Popen(HOLDER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stderr is not None
        if not holder.stdout.readline():
            raise NetworkError(f"no network namespace (root is needed): {holder.stderr.read().decode().strip()}")
        try:
            # Not every kernel has each of these; the defaults serve too.
            subprocess.run([*_inside(holder.pid), "sh", "-c", SETTINGS], capture_output=True, check=False)
            yield holder.pid
        finally:
            holder.kill()


def _inside(holder: int) -> list[str]:
    return ["nsenter", f"--net={Path('/proc', str(holder), 'ns/net')}", "--"]


def _batch(tool: str, holder: int, lines: list[str]) -> None:
    command = [*_inside(holder), tool, "-batch", "-"]
    done = subprocess.run(command, input="\n".join(lines) + "\n", text=True, capture_output=True, check=False)
    if done.returncode:
        raise NetworkError(f"{tool} refused: {done.stderr.strip()}")


def _set_namespace(descriptor: int) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    if library.setns(descriptor, CLONE_NEWNET) != 0:
        raise NetworkError(f"the namespace cannot be entered: {os.strerror(ctypes.get_errno())}")
