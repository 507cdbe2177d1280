"""A fetch that is killed with -9 loses a few stripes at most, and trusts nothing that it did not check again."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

import dcdist
from tests.support.commands import dcdist as run_dcdist
from tests.support.commands import running, wait_for, wait_for_end
from tests.support.publishing import KEY, Publisher, noise

MIB = 1024 * 1024
IMAGE = noise(11, 24 * MIB)
RATE = 6_000_000
"""Bytes a second from the store: what comes between two writes to the disk is less than two seconds' worth."""


def arguments(folder: Path, *more: str) -> list[str | Path]:
    return [
        "fetch", "web@1", "--store", (folder / "store").as_uri(), "--trust", folder / "key.pub",
        "--dest", folder / "images", "--cache", folder / "cache", "--seed-for", "0", "--json", *more,
    ]  # fmt: skip


def only_child_of(pid: int) -> int:
    (child,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(child)


@pytest.mark.parametrize("swarm", [["--no-swarm"], ["--listen", "127.0.0.1:0"]], ids=["alone", "in a swarm"])
def test_a_killed_fetch_goes_on_with_a_few_stripes_lost(tmp_path: Path, swarm: list[str]) -> None:
    async def publish() -> None:
        async with dcdist.open_store((tmp_path / "store").as_uri(), environment={}) as store:
            await Publisher(store).publish("web@1", {"web.img": IMAGE})

    asyncio.run(publish())
    (tmp_path / "key.pub").write_text(KEY.public.to_pem())
    with running(*arguments(tmp_path, *swarm, "--store-rate", str(RATE))) as fetch:
        came = 0
        while came < 14 * MIB:
            came = wait_for(fetch, "progress")["layer_bytes"]
        child = only_child_of(fetch.pid)
        os.kill(child, signal.SIGKILL)
        fetch.communicate()
    wait_for_end(child)
    assert not (tmp_path / "images" / "web.img").exists()

    done = run_dcdist(*arguments(tmp_path, *swarm)).last("fetched")["bytes"]
    assert (tmp_path / "images" / "web.img").read_bytes() == IMAGE
    assert done["reused"] >= came - 2 * RATE
    assert done["reused"] + done["store"] <= len(IMAGE) + MIB
