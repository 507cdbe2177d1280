"""Peers that are no good, on the store's host: half of them offer everything and give nothing, half talk nonsense."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from benchmarks.compare.scenarios import STORE
from benchmarks.measure import PROJECT, BenchmarkError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.compare.contender import Site

_PORTS = range(18101, 18109)


def addresses(site: Site) -> list[str]:
    """Where hosts find them."""
    return [f"{site.store_address}:{port}" for port in _PORTS]


@contextmanager
def beside_store(site: Site) -> Iterator[None]:
    """They listen while this lasts.

    Raises:
        BenchmarkError: They did not start.
    """
    command = [*site.network.command(STORE), sys.executable, "-m", "benchmarks.compare.bad_peer_agent"]
    with subprocess.Popen(
        [*command, *map(str, _PORTS)], cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as peers:
        assert peers.stdin is not None
        assert peers.stdout is not None
        try:
            if peers.stdout.readline() != "ready\n":
                raise BenchmarkError("the bad peers did not start")
            yield
        finally:
            peers.stdin.close()
            peers.wait()
