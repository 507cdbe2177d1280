"""Which numbers the blocks of an XVA may have: any that rise as text and as numbers, as XenServer reads them."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from dcdist.errors import XvaError
from dcdist.formats.xva import XvaReader
from tests.support.xva import BLOCK, Disk, Member, archive, changed, members, ova

RNG = random.Random(1)
DISK = Disk("Ref:4", RNG.randbytes(BLOCK) + bytes(2 * BLOCK) + RNG.randbytes(BLOCK) + RNG.randbytes(1536))
"""Blocks 0, 3 and a short 4."""
GOOD = members([DISK])


def joined(data: bytes) -> bytes:
    """What comes out of the reader."""
    reader = XvaReader()
    parts = reader.receive(data)
    reader.finish()
    return b"".join(part.data for part in parts)


def renamed(listed: list[Member], number: str, other: str) -> list[Member]:
    """The members, with another number for a block and its checksum."""
    return [replace(member, name=member.name.replace(f"/{number}", f"/{other}")) for member in listed]


@pytest.mark.parametrize("digits", [1, 7, 9, 20])
def test_block_numbers_have_any_number_of_digits(digits: int) -> None:
    data = archive(members([DISK], digits=digits))

    assert f"Ref:4/{3:0{digits}d}.xxhash".encode() in data
    assert joined(data) == data


def test_a_damaged_archive_with_long_numbers_names_the_next_block_alike() -> None:
    data = archive(members([DISK], digits=20)[:-4], end=b"")

    with pytest.raises(XvaError, match=r"Ref:4/00000000000000000001 at byte \d+: the file ends here"):
        joined(data)


def test_numbers_that_grow_by_a_digit_rise_as_text() -> None:
    listed = renamed(renamed(members([DISK]), "00000003", "3"), "00000004", "40")
    sized = changed(listed, "ova.xml", ova([("Ref:4", 40 * BLOCK + 1536)]))

    assert joined(archive(sized)) == archive(sized)


BENT = {
    "a number that xapi would read as hex": (
        renamed(GOOD, "00000003", "0x000003"),
        "Ref:4/0x000003",
        r"a block of disk Ref:4 is expected here",
    ),
    "no number": (renamed(GOOD, "00000003", ""), "Ref:4/", r"a block of disk Ref:4 is expected here"),
    "a number beyond those of xapi": (
        renamed(GOOD, "00000003", "4611686018427387904"),
        "Ref:4/4611686018427387904",
        r"block numbers must be at most 4611686018427387903",
    ),
    "numbers that rise, but not as text": (
        renamed(renamed(GOOD, "00000003", "3"), "00000004", "04"),
        "Ref:4/04",
        r"block numbers must rise as text too, for xapi compares them so, but the last was 3",
    ),
    "numbers that rise as text only": (
        changed(renamed(renamed(GOOD, "00000003", "10"), "00000004", "4"), "ova.xml", ova([("Ref:4", 1 << 20)])),
        "Ref:4/4",
        r"block numbers must rise, but the last was 10",
    ),
    "the same number with more digits": (
        renamed(renamed(GOOD, "00000003", "03"), "00000004", "3"),
        "Ref:4/3",
        r"block numbers must rise, but the last was 3",
    ),
}


@pytest.mark.parametrize("case", BENT)
def test_other_numbers_are_refused_with_the_member_and_the_reason(case: str) -> None:
    listed, member, why = BENT[case]

    with pytest.raises(XvaError, match=why) as caught:
        joined(archive(listed))
    assert caught.value.member == member
