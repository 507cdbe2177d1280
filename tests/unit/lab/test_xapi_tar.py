"""Headers of members as the lab's xapi reads them, by their bytes."""

from __future__ import annotations

import io
import tarfile

import pytest

from tools.lab.xapi.failures import Failure
from tools.lab.xapi.tar_header import Member, read_member

# As xapi writes it: level V7, no magic, a checksum of seven digits.
V7 = (
    b"Ref:4/00000000".ljust(100, b"\0")
    + b"0000400\0" + b"0000000\0" * 2 + b"00004000000\0" + b"00000000000\0" + b"0006122\0" + bytes(356)
)  # fmt: skip


def test_a_header_of_xapi_is_read() -> None:
    assert read_member(V7) == Member("Ref:4/00000000", 1_048_576)


def test_headers_of_other_writers_are_read() -> None:
    entry = tarfile.TarInfo("Ref:4/00000000")
    entry.size = 7
    for block in (entry.tobuf(tarfile.USTAR_FORMAT), entry.tobuf(tarfile.GNU_FORMAT)):
        assert read_member(block) == Member("Ref:4/00000000", 7)


def test_a_prefix_comes_before_the_name() -> None:
    entry = tarfile.TarInfo(f"{'folder/' * 20}file")
    block = entry.tobuf(tarfile.USTAR_FORMAT)
    assert read_member(block) == Member(f"{'folder/' * 20}file", 0)


def test_a_block_of_zeros_is_not_a_member() -> None:
    assert read_member(bytes(512)) is None


def test_a_damaged_header_is_a_failure() -> None:
    with pytest.raises(Failure) as failed:
        read_member(V7.replace(b"Ref", b"Rex"))
    assert failed.value.description == ("IMPORT_ERROR", "INTERNAL_ERROR: [ Tar.Header.Checksum_mismatch ]")


def test_a_size_that_is_not_octal_is_a_failure() -> None:
    # Base 256, as GNU tar writes sizes from 8 GiB.
    entry = tarfile.TarInfo("x")
    entry.size = 1 << 33
    with pytest.raises(Failure, match="Int64"):
        read_member(entry.tobuf(tarfile.GNU_FORMAT))


def test_a_long_name_of_gnu_is_refused() -> None:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.GNU_FORMAT) as archive:
        archive.addfile(tarfile.TarInfo("x" * 200))
    with pytest.raises(Failure, match="type L"):
        read_member(file.getvalue()[:512])


@pytest.mark.parametrize(("size", "padding"), [(0, 0), (1, 511), (512, 0), (513, 511)])
def test_bodies_are_padded_to_whole_blocks(size: int, padding: int) -> None:
    assert Member("x", size).padding == padding
