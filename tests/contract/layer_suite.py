"""What the readers of every cached layer promise, as tests. A subclass gives the fixture `cached`."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from dcdist.errors import DiskError, InvariantError
from tests.support.layers import sample_layer

if TYPE_CHECKING:
    from pathlib import Path

    from dcdist.ports.layers import CachedLayer

SAMPLE = sample_layer()
LENGTH = SAMPLE.index.geometry.length


@dataclass(frozen=True, slots=True)
class Cached:
    """A layer that has all pieces of the sample but the last one; `data` is its data file."""

    layer: CachedLayer
    data: Path


class LayerReaderSuite:
    """For every cached layer."""

    def test_any_run_of_bytes_can_be_read(self, cached: Cached) -> None:
        with cached.layer.reader() as reader:
            assert reader.read(0, 10) == SAMPLE.data[:10]
            assert reader.read(262_140, 300_000) == SAMPLE.data[262_140:562_140]
            assert reader.read(7, 0) == b""

    def test_what_is_missing_reads_as_zeros_and_nothing_lies_beyond_the_end(self, cached: Cached) -> None:
        with cached.layer.reader() as reader:
            assert reader.length == LENGTH == 2_098_152
            assert reader.read(LENGTH - 1000, 5000) == bytes(1000)
            assert reader.read(LENGTH, 1) == b""

    def test_bytes_that_are_written_later_are_seen(self, cached: Cached) -> None:
        with cached.layer.reader() as reader:
            with cached.data.open("r+b") as file:
                file.seek(LENGTH - 1000)
                file.write(SAMPLE.piece(8))
            assert reader.read(LENGTH - 1000, 1000) == SAMPLE.piece(8)

    def test_several_threads_read_at_once(self, cached: Cached) -> None:
        starts = range(0, 2_000_000, 10_007)
        with cached.layer.reader() as reader, ThreadPoolExecutor(4) as threads:
            found = list(threads.map(lambda start: reader.read(start, 10_007), starts))
        assert found == [SAMPLE.data[start : start + 10_007] for start in starts]

    def test_it_says_where_the_data_lie(self, cached: Cached) -> None:
        with cached.layer.reader() as reader:
            assert reader.place == str(cached.data)

    def test_a_closed_reader_is_closed_once_and_reads_no_more(self, cached: Cached) -> None:
        reader = cached.layer.reader()
        reader.close()
        reader.close()
        with pytest.raises(InvariantError):
            reader.read(0, 1)

    async def test_it_reads_on_when_the_layer_is_closed(self, cached: Cached) -> None:
        with cached.layer.reader() as reader:
            await cached.layer.close(clean=False)
            assert reader.read(5, 5) == SAMPLE.data[5:10]

    def test_a_file_that_went_away_is_an_error_of_the_disk(self, cached: Cached) -> None:
        cached.data.unlink()
        with pytest.raises(DiskError) as caught:
            cached.layer.reader()
        assert caught.value.path == str(cached.data)
        assert str(caught.value) == f"cannot read layer {cached.data}: No such file or directory"

    def test_what_cannot_be_read_is_an_error_of_the_disk(self, cached: Cached) -> None:
        cached.data.unlink()
        cached.data.mkdir()
        with pytest.raises(DiskError) as caught, cached.layer.reader() as reader:
            reader.read(0, 1)
        assert caught.value.path == str(cached.data)
