"""What files look like by their first bytes."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import zipfile

import pytest
import zstandard

from dcdist.formats.file_kind import FileKind, kind_of
from tests.support.xva import tar_header


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("web.xva", b"x")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (gzip.compress(b"x"), "a gzip file"),
        (zstandard.compress(b"x"), "a zstd file"),
        (lzma.compress(b"x"), "an xz file"),
        (bz2.compress(b"x"), "a bzip2 file"),
        (bytes.fromhex("04224d18") + b"x", "an lz4 file"),
        (bytes.fromhex("377abcaf271c") + b"x", "a 7-Zip archive"),
        (zipped(), "a zip archive"),
    ],
)
def test_compressed_files_are_known_and_told_apart(head: bytes, words: str) -> None:
    assert kind_of(head) == FileKind(words, compressed=True)


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (b"QFI\xfb\0\0\0\3" + bytes(500), "a qcow2 disk image"),
        (b"conectix" + bytes(504), "a VHD disk image"),
        (b"vhdxfile" + bytes(504), "a VHDX disk image"),
        (b"KDMV\1\0\0\0", "a VMDK disk image"),
        (b"# Disk DescriptorFile\nversion=1\n", "the descriptor of a VMDK disk image"),
        (bytes(64) + bytes.fromhex("7f10dabe"), "a VirtualBox disk image (VDI)"),
        (bytes(32769) + b"CD001\1", "an ISO 9660 image"),
        (bytes(510) + b"\x55\xaa" + bytes(32257) + b"CD001\1", "an ISO 9660 image"),
        (bytes(510) + b"\x55\xaaEFI PART", "a raw disk image with a partition table"),
        (bytes(510) + b"\x55\xaa", "a raw disk image with a boot sector"),
        (b"<html><h1>Not Found</h1></html>", "an HTML page"),
        (b"\n <!-- x -->\n<!DOCTYPE HTML PUBLIC>", "an HTML page"),
        (b"\xef\xbb\xbf<!doctype html>", "an HTML page"),
        (b"<?xml version='1.0'?><Error/>", "an XML document"),
        (b"HTTP/1.1 404 Not Found\r\n\r\n", "an answer of a web server ('HTTP/1.1 404 Not Found')"),
        (tar_header("vm.ovf", 5), "an OVA, an export of another product"),
        (tar_header("etc/passwd", 5, "ustar"), "a tar archive whose first file is 'etc/passwd'"),
    ],
)
def test_other_files_are_known(head: bytes, words: str) -> None:
    assert kind_of(head) == FileKind(words)


@pytest.mark.parametrize("head", [b"", b"x", bytes(40_000), b"some words", random.Random(3).randbytes(40_000)])
def test_what_shows_nothing_is_not_guessed_at(head: bytes) -> None:
    assert kind_of(head) is None
