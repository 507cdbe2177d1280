"""A host with little memory, and a release with many pieces.

The bound is RLIMIT_DATA, on each process of a host. It counts every private page that a process may write, touched or
not: the heap, buffers, stacks. RLIMIT_AS would also count the address space that glibc reserves for each thread's heap
and never uses; a cgroup would also count the page cache, which the kernel takes back when it is short, and needs a
kernel and rights that few test machines give. What RLIMIT_DATA leaves out (code, and files that are mapped) is in what
the kernel measures as resident, and the sum over both processes of a host is held to the same bound.
"""

from __future__ import annotations

import asyncio
import hashlib
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.support.fault_site import MIB
from tests.support.large_release import pieces_of, publish_pieces
from tests.support.memory_use import watched
from tools.lab.swift import Swift

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MEMORY = 512 * MIB
LIMITED = ("prlimit", f"--data={MEMORY}:{MEMORY}")


@pytest.mark.timeout(600)
async def test_512_mib_of_memory_are_enough_for_20000_pieces(
    tmp_path: Path, often: Callable[[int, int], int], record_property: Callable[[str, object], None]
) -> None:
    """Two hosts that start together, each with so little memory, draw from the store and trade. In short: 1,000."""
    wanted = often(1_000, 20_000)
    trading = ("--listen", "127.0.0.1:0")
    with Swift(tmp_path / "swift") as swift:
        site, digest = await publish_pieces(swift, "large", tmp_path, wanted)
        async with (
            site.host("a", *trading, wrapper=LIMITED) as first,
            site.host("b", *trading, wrapper=LIMITED) as second,
            watched(first) as first_use,
            watched(second) as second_use,
        ):
            done = await asyncio.gather(first.succeeded(), second.succeeded())
            digests = await asyncio.gather(*(asyncio.to_thread(_digest, site.dest(name) / "web.img") for name in "ab"))
    pieces = pieces_of(site.release)
    record_property("pieces", pieces)
    record_property("resident", [use.most / MIB for use in (first_use, second_use)])
    # Gigabytes that nobody will look at.
    for folder in ("swift", "a", "b"):
        shutil.rmtree(tmp_path / folder)

    assert pieces >= wanted
    assert digests == [digest, digest]
    assert all(each["bytes"]["peers"] > 0 for each in done)
    assert max(first_use.most, second_use.most) < MEMORY


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
