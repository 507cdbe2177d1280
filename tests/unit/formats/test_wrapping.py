"""gzip and zstd are taken off in bounded steps, and a stream that is not whole is refused."""

from __future__ import annotations

import gzip
import random
from typing import TYPE_CHECKING, TypeAlias

import pytest
import zstandard

from dcdist.errors import FormatError
from dcdist.formats.wrapping import Wrapping, bare_name, unwrap, wrapping_of

if TYPE_CHECKING:
    from collections.abc import Callable

PLAIN = random.Random(2).randbytes(300_000) + bytes(3 << 20)


def zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(data)


WRAPPERS = [pytest.param(gzip.compress, Wrapping.GZIP, id="gzip"), pytest.param(zstd, Wrapping.ZSTD, id="zstd")]
Wrap: TypeAlias = "Callable[[bytes], bytes]"


def unwrapped(wrapping: Wrapping, data: bytes, step: int = 10_000) -> bytes:
    return b"".join(unwrap(wrapping, (data[at : at + step] for at in range(0, len(data), step))))


@pytest.mark.parametrize(("wrap", "wrapping"), WRAPPERS)
@pytest.mark.parametrize("step", [1, 999, 1 << 20])
def test_a_stream_is_unwrapped_whatever_its_parts(wrap: Wrap, wrapping: Wrapping, step: int) -> None:
    small = PLAIN[299_000:305_000]
    data = wrap(small if step == 1 else PLAIN)

    assert wrapping_of(data) is wrapping
    assert unwrapped(wrapping, data, step) == (small if step == 1 else PLAIN)


@pytest.mark.parametrize(("wrap", "wrapping"), WRAPPERS)
def test_streams_may_follow_each_other(wrap: Wrap, wrapping: Wrapping) -> None:
    assert unwrapped(wrapping, wrap(b"one") + wrap(PLAIN) + wrap(b"") + wrap(b"two")) == b"one" + PLAIN + b"two"


@pytest.mark.parametrize(("wrap", "wrapping"), WRAPPERS)
@pytest.mark.parametrize("lost", [1, 5, 1000])
def test_a_truncated_stream_is_refused(wrap: Wrap, wrapping: Wrapping, lost: int) -> None:
    with pytest.raises(FormatError, match="stream ends early: the file is truncated"):
        unwrapped(wrapping, wrap(PLAIN[:200_000])[:-lost])


@pytest.mark.parametrize(("wrap", "wrapping"), WRAPPERS)
def test_an_empty_stream_is_refused(wrap: Wrap, wrapping: Wrapping) -> None:
    del wrap
    with pytest.raises(FormatError, match="stream ends early"):
        unwrapped(wrapping, b"")


@pytest.mark.parametrize(("wrap", "wrapping"), WRAPPERS)
def test_a_damaged_stream_is_refused(wrap: Wrap, wrapping: Wrapping) -> None:
    with pytest.raises(FormatError, match="stream is damaged"):
        unwrapped(wrapping, wrap(b"one") + b"garbage that is no stream")


def test_a_damaged_gzip_body_shows_in_its_checksum() -> None:
    data = bytearray(gzip.compress(PLAIN, compresslevel=0))
    data[100_000] ^= 1

    with pytest.raises(FormatError, match="the gzip stream is damaged"):
        unwrapped(Wrapping.GZIP, bytes(data))


def test_zeros_after_gzip_are_padding() -> None:
    assert unwrapped(Wrapping.GZIP, gzip.compress(b"one") + bytes(1000), step=7) == b"one"


@pytest.mark.parametrize(("wrap", "wrapping"), WRAPPERS)
def test_no_part_is_large_however_well_the_content_packs(wrap: Wrap, wrapping: Wrapping) -> None:
    data = wrap(bytes(200 << 20))
    sizes = [len(part) for part in unwrap(wrapping, [data])]

    assert sum(sizes) == 200 << 20
    assert max(sizes) <= 64 << 20
    assert min(sizes) > 0


def test_the_bare_name_of_a_file_has_no_ending_of_a_wrapping() -> None:
    for ending in (".gz", ".gzip", ".zst", ".zstd", ".GZ"):
        assert bare_name(f"web.xva{ending}") == "web.xva"
    for ending in (".tgz", ".taz", ".tzst"):
        assert bare_name(f"web{ending}") == "web.tar"
    for name in ("web.xva", "web", "gz", "web.xva.xz"):
        assert bare_name(name) == name


def test_what_is_not_wrapped_comes_as_it_is() -> None:
    assert wrapping_of(b"plain") is Wrapping.NONE
    assert wrapping_of(b"") is Wrapping.NONE
    assert list(unwrap(Wrapping.NONE, [b"a", b"", b"b"])) == [b"a", b"b"]
