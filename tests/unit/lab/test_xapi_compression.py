"""What may be around an XVA, as the lab's xapi finds it."""

from __future__ import annotations

import gzip

import pytest
import zstandard

from tools.lab.xapi.compression import Compression, compression_of, unpacked
from tools.lab.xva_writer import header

PLAIN = b"plain bytes" * 1000


def packed(compression: Compression, data: bytes) -> bytes:
    return gzip.compress(data) if compression == "gzip" else zstandard.ZstdCompressor().compress(data)


def test_a_header_of_ova_xml_is_plain() -> None:
    assert compression_of(header("ova.xml", 10)) is None


def test_zstd_is_known_by_its_magic_number_and_all_else_is_given_to_gzip() -> None:
    assert compression_of(b"\x28\xb5\x2f\xfd".ljust(512, b"x")) == "zstd"
    assert compression_of(gzip.compress(b"").ljust(512, b"\0")) == "gzip"
    assert compression_of(header("./ova.xml", 10)) == "gzip"


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_several_streams_behind_each_other_are_unpacked(compression: Compression) -> None:
    data = packed(compression, PLAIN) + packed(compression, b"more")
    for at_once in (1, 100, len(data)):
        parts = [data[start : start + at_once] for start in range(0, len(data), at_once)]
        assert b"".join(unpacked(compression, parts)) == PLAIN + b"more"


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_what_cannot_be_unpacked_is_an_end(compression: Compression) -> None:
    assert b"".join(unpacked(compression, [b"this is none of both"])) == b""
