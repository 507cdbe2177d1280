"""Which headers an XVA may have."""

from __future__ import annotations

import io
import tarfile

import pytest

from dcdist.errors import FormatError
from dcdist.formats.tar import Header, read_header
from tests.support.xva import Style, sealed, tar_header


@pytest.mark.parametrize("style", ["v7", "ustar", "gnu"])
def test_v7_ustar_and_gnu_headers_are_read(style: Style) -> None:
    assert read_header(tar_header("Ref:4/00000699", 1048576, style)) == Header("Ref:4/00000699", 1048576)


def test_the_header_that_xapi_writes_is_read() -> None:
    head = bytearray(512)
    head[:7] = b"ova.xml"
    head[100:156] = b"0000400\x000000000\x000000000\x0000000046706\x0000000000000\x000005760\0"

    assert read_header(bytes(head)) == Header("ova.xml", 0o46706)


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT])
def test_what_another_tar_writer_makes_is_read(form: int) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as archive:
        member = tarfile.TarInfo("Ref:4/00000000")
        member.size = 5
        archive.addfile(member, io.BytesIO(b"12345"))

    assert read_header(buffer.getvalue()[:512]) == Header("Ref:4/00000000", 5)


def test_padding_fills_whole_blocks() -> None:
    assert [Header("x", size).padding for size in (0, 1, 511, 512, 513)] == [0, 511, 1, 0, 511]


def test_the_prefix_of_ustar_is_part_of_the_name_and_that_of_gnu_is_not() -> None:
    heads = {style: bytearray(tar_header("00000000", 0, style)) for style in ("ustar", "gnu")}
    for head in heads.values():
        head[345:350] = b"Ref:4"

    assert {style: read_header(sealed(head)).name for style, head in heads.items()} == {
        "ustar": "Ref:4/00000000",
        "gnu": "00000000",
    }


def test_a_number_may_have_spaces_around_it() -> None:
    assert read_header(tar_header("x", 0, size_field=b"       1750 ")).size == 1000


@pytest.mark.parametrize("at", [0, 99, 100, 130, 140, 156, 257, 400, 511])
def test_a_changed_byte_shows_in_the_checksum(at: int) -> None:
    head = bytearray(tar_header("Ref:4/00000000", 4096))
    head[at] ^= 1

    with pytest.raises(FormatError, match="not a tar header, or a damaged one: its checksum"):
        read_header(bytes(head))


@pytest.mark.parametrize(
    ("kind", "named"),
    [
        (b"5", "a folder"), (b"2", "a symbolic link"), (b"x", "a pax header"), (b"g", "a pax header"),
        (b"L", "a GNU long name"), (b"K", "a GNU long link"), (b"S", "a GNU sparse file"),
        (b"Z", "of unknown type 'Z'"),
    ],
)  # fmt: skip
def test_what_is_no_plain_file_is_refused_by_its_kind(kind: bytes, named: str) -> None:
    with pytest.raises(FormatError, match=f"'Ref:4/00000000' is {named}: an XVA has plain files only"):
        read_header(tar_header("Ref:4/00000000", 0, "ustar", kind=kind))


@pytest.mark.parametrize(
    "field", [b"\x80" + bytes(10) + b"\1", b"0000000008\0\0", b" " * 12, bytes(12), b"-0000000001\0"]
)
def test_a_size_that_is_not_octal_is_refused(field: bytes) -> None:
    with pytest.raises(FormatError, match=r"the size of 'x' is .* not an octal number"):
        read_header(tar_header("x", 0, size_field=field))


@pytest.mark.parametrize(
    ("head", "told"),
    [
        (tar_header("x", 0, size_field=b"12x".ljust(12, b"\0")), "the size of 'x' is '12x', which"),
        (tar_header("x", 0, size_field=b"\x80".ljust(12, b"\0")), "the size of 'x' is hex 80, which"),
        (tar_header("x", 0, size_field=bytes(12)), "the size of 'x' is empty, which"),
        (tar_header("x", 0, kind=b"\xff"), "'x' is of unknown type hex ff: an"),
        (tar_header("Ref:é", 0), "the member's name, 'Ref:é', is not"),
        (sealed(bytearray(b"\xff\0".ljust(512, b"\0"))), "the member's name, hex ff, is not"),
        (b"\x80" * 512, "its checksum is not an octal number"),
        (tar_header("x", 0)[:-1] + b"\1", "its checksum is '0004614', not 004615"),
    ],
)
def test_a_message_quotes_text_as_text_and_other_bytes_as_hex(head: bytes, told: str) -> None:
    with pytest.raises(FormatError) as caught:
        read_header(head)
    assert told in str(caught.value)
    assert "b'" not in str(caught.value)


@pytest.mark.parametrize("name", ["", "Ref:é/00000000"])
def test_a_name_that_is_not_ascii_text_is_refused(name: str) -> None:
    with pytest.raises(FormatError, match="is not ASCII text"):
        read_header(tar_header(name, 0))


@pytest.mark.parametrize("block", [b"", bytes(512), bytes(513), b"HTTP/1.1 500 Internal".ljust(512)])
def test_what_is_no_header_is_refused(block: bytes) -> None:
    with pytest.raises(FormatError, match="tar header"):
        read_header(block)
