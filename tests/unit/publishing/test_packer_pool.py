"""Frames are compressed at once and come out in order."""

from __future__ import annotations

import hashlib
from array import array

import pytest
import zstandard

from dcdist.errors import UsageError
from dcdist.publishing.cutting.placer import PlainFrame
from dcdist.publishing.writing.packer_pool import PackedFrame, PackerPool


def frame(number: int) -> PlainFrame:
    # Every other one takes longer.
    plain = bytes([number]) * (1000 if number % 2 else 1_000_000)
    return PlainFrame(plain, hashlib.sha256(plain).digest(), array("I", [len(plain)]))


async def test_frames_come_out_in_order_and_are_what_went_in() -> None:
    taken: list[PackedFrame] = []
    async with PackerPool(3) as packing:
        for number in range(100):
            packing.submit(frame(number))
            if packed := await packing.take():
                taken.append(packed)
        assert len(taken) >= 100 - 2 * packing._threads
        while packed := await packing.take(all_of_them=True):
            taken.append(packed)

    assert [zstandard.decompress(each.data) for each in taken] == [frame(number).plain for number in range(100)]
    assert [each.digest for each in taken] == [hashlib.sha256(each.data).digest() for each in taken]
    assert [each.chunk_digests for each in taken] == [frame(number).digests for number in range(100)]


async def test_frames_that_nobody_takes_are_dropped() -> None:
    async with PackerPool(3) as packing:
        for number in range(50):
            packing.submit(frame(number))


async def test_the_same_frame_packs_to_the_same_bytes() -> None:
    async with PackerPool(9) as packing:
        for _ in range(2):
            packing.submit(frame(8))
        first, second = [await packing.take(all_of_them=True) for _ in range(2)]

    assert first == second


def test_there_are_22_levels() -> None:
    for level in (0, 23):
        with pytest.raises(UsageError, match=f"no compression level {level}"):
            PackerPool(level)
