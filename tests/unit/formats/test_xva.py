"""What the reader of XVAs gives, and what it refuses: with the member and the byte where it showed."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from dcdist.errors import XvaError
from dcdist.formats.xva import Content, Literal, Part, XvaReader, begins_like_an_xva
from tests.support.xva import (
    BLOCK,
    END,
    Checksum,
    Disk,
    Member,
    Style,
    archive,
    changed,
    checksum_of,
    members,
    ova,
    tar_header,
    xva,
)

RNG = random.Random(1)
ONE, TWO, THREE = (RNG.randbytes(BLOCK) for _ in range(3))
ZERO = bytes(BLOCK)
DISK = Disk("Ref:4", ONE + ZERO + ZERO + TWO + THREE[:1536])
"""Blocks 0, 3 and a short 4."""


def read(data: bytes, step: int = 1 << 20) -> list[Part]:
    reader = XvaReader()
    parts = [part for at in range(0, len(data), step) for part in reader.receive(data[at : at + step])]
    reader.finish()
    return parts


def joined(parts: list[Part]) -> bytes:
    return b"".join(part.data for part in parts)


def runs(parts: list[Part]) -> list[tuple[type[Part], bytes]]:
    """The parts, with neighbours of one kind joined."""
    found: list[tuple[type[Part], bytes]] = []
    for part in parts:
        if found and found[-1][0] is type(part):
            found[-1] = (type(part), found[-1][1] + bytes(part.data))
        else:
            found.append((type(part), bytes(part.data)))
    return found


@pytest.mark.parametrize("style", ["v7", "ustar", "gnu"])
@pytest.mark.parametrize("checksum", ["xxhash", "checksum"])
def test_an_xva_comes_out_byte_for_byte(style: Style, checksum: Checksum) -> None:
    data = xva(DISK, Disk("Ref:10", TWO), checksum=checksum, style=style)

    assert joined(read(data)) == data


def test_bodies_of_blocks_and_of_ova_xml_are_content_and_the_rest_is_literal() -> None:
    listed = members([Disk("Ref:4", ONE + TWO)])
    first, companion, second, last_companion = (member.packed("v7") for member in listed[1:])
    xml, header = listed[0].body, listed[0].packed("v7")[:512]

    assert runs(read(archive(listed))) == [
        (Literal, header),
        (Content, xml),
        (Literal, bytes(-len(xml) % 512) + first[:512]),
        (Content, ONE),
        (Literal, companion + second[:512]),
        (Content, TWO),
        (Literal, last_companion + END),
    ]


def test_disks_are_expected_in_string_order() -> None:
    data = xva(Disk("Ref:9", ONE), Disk("Ref:10", TWO))

    assert data.index(b"Ref:10/00000000") < data.index(b"Ref:9/00000000")
    assert joined(read(data)) == data


def test_a_number_that_an_empty_block_took_is_no_gap() -> None:
    data = xva(Disk("Ref:4", ONE + ZERO + ZERO + TWO, awake=frozenset({2, 3})))

    assert b"Ref:4/00000002.xxhash" in data
    assert b"EF46DB3751D8E999" in data
    assert joined(read(data)) == data


def test_a_missing_first_block_is_zeros_as_for_xapi() -> None:
    listed = members([Disk("Ref:4", ONE), Disk("Ref:5", ZERO + TWO)])
    data = archive(member for member in listed if not member.name.startswith("Ref:5/00000000"))

    assert joined(read(data)) == data


def test_a_gap_is_as_long_as_the_first_block_of_the_first_disk_as_for_xapi() -> None:
    short_first = [Disk("Ref:1", ONE[:512]), Disk("Ref:2", ONE + ZERO + TWO)]

    with pytest.raises(XvaError, match=r"the archive ends at byte 8704 of the 12288 of disk Ref:2"):
        read(archive(members(short_first)))


def test_zero_blocks_need_not_be_left_out() -> None:
    listed = members([Disk("Ref:4", ONE + TWO)])
    listed[3:] = changed(changed(listed, "Ref:4/00000001", ZERO), "Ref:4/00000001.xxhash", checksum_of(ZERO, "xxhash"))[
        3:
    ]

    assert joined(read(archive(listed))) == archive(listed)


def test_an_xva_without_disks_is_good() -> None:
    assert joined(read(xva())) == xva()


def test_a_disk_of_no_bytes_has_no_blocks() -> None:
    assert joined(read(xva(Disk("Ref:4", b"")))) == xva(Disk("Ref:4", b""))


@pytest.mark.parametrize("zeros", [1, 512, 10240, 3 << 20])
def test_padding_after_the_end_is_kept(zeros: int) -> None:
    data = xva(DISK) + bytes(zeros)

    assert joined(read(data)) == data


def test_a_companion_of_the_other_kind_is_read_as_well() -> None:
    listed = members([Disk("Ref:4", ONE + TWO)])
    listed[4] = Member("Ref:4/00000001.checksum", checksum_of(TWO, "checksum"))

    assert joined(read(archive(listed))) == archive(listed)


@pytest.mark.parametrize(
    ("name", "stored"),
    [
        ("Ref:4/00000003.xxhash", checksum_of(TWO, "xxhash").lower()),
        ("Ref:4/00000003.xxhash", checksum_of(ONE, "xxhash")),
        ("Ref:4/00000003.xxhash", b"\xff" * 16),
    ],
)
def test_a_checksum_must_be_right_to_the_byte(name: str, stored: bytes) -> None:
    with pytest.raises(XvaError, match=r"Ref:4/00000003 at byte \d+: its checksum is [0-9A-F]{16}, but") as caught:
        read(archive(changed(members([DISK]), name, stored)))
    assert caught.value.member == "Ref:4/00000003"


def test_a_damaged_block_is_named_with_its_place() -> None:
    data = bytearray(xva(DISK))
    at = data.index(TWO)
    data[at + 100] ^= 1

    with pytest.raises(XvaError, match=rf"Ref:4/00000003 at byte {at - 512}: its checksum is") as caught:
        read(bytes(data))
    assert caught.value.member == "Ref:4/00000003"


def test_a_block_beyond_all_bounds_is_not_waited_for() -> None:
    promised = Member("ova.xml", ova([("Ref:4", 1 << 40)]))
    block = Member("Ref:4/00000000", b"", tar_header("Ref:4/00000000", (64 << 20) + 1))

    with pytest.raises(XvaError, match="it has 67108865 bytes; at most 67108864 are read") as caught:
        read(archive([promised, block]))
    assert caught.value.member == "Ref:4/00000000"


def without(listed: list[Member], *names: str) -> list[Member]:
    return [member for member in listed if member.name not in names]


GOOD = members([DISK])
BENT = {
    "no ova.xml": (GOOD[1:], "Ref:4/00000000", r"the first member must be ova.xml"),
    "ova.xml elsewhere": ([Member("./ova.xml", GOOD[0].body), *GOOD[1:]], "./ova.xml", r"the first member must be ova"),
    "no companion": (
        without(GOOD, "Ref:4/00000000.xxhash"),
        "Ref:4/00000003",
        r"the checksum of Ref:4/00000000 \(.xxhash or .checksum\) is expected here",
    ),
    "companion of another block": (
        [*GOOD[:2], Member("Ref:4/00000001.xxhash", GOOD[2].body), *GOOD[3:]],
        "Ref:4/00000001.xxhash",
        r"the checksum of Ref:4/00000000",
    ),
    "companion of an unknown kind": (
        [*GOOD[:2], Member("Ref:4/00000000.md5", GOOD[2].body), *GOOD[3:]],
        "Ref:4/00000000.md5",
        r"the checksum of Ref:4/00000000",
    ),
    "companion with a newline": (
        changed(GOOD, "Ref:4/00000000.xxhash", GOOD[2].body + b"\n"),
        "Ref:4/00000000.xxhash",
        r"it has 17 bytes instead of 16",
    ),
    "blocks swapped": (
        [GOOD[0], *GOOD[3:5], *GOOD[1:3], *GOOD[5:]],
        "Ref:4/00000000",
        r"block numbers must rise, but the last was 3",
    ),
    "a block twice": ([*GOOD[:3], *GOOD[1:]], "Ref:4/00000000", r"block numbers must rise, but the last was 0"),
    "a block of no disk": (
        [GOOD[0], replace(GOOD[1], name="Ref:5/00000000"), *GOOD[2:]],
        "Ref:5/00000000",
        r"a block of disk Ref:4 is expected here, after number -1",
    ),
    "metadata only": (
        GOOD[:1],
        "Ref:4/00000000",
        r"the archive ends before the first block of a disk, but ova.xml names Ref:4 of 17920 bytes: it looks like an "
        r"export of metadata only \(xe vm-export metadata=true\)",
    ),
    "a block missing at the end": (
        GOOD[:-2],
        "Ref:4/00000004",
        r"the archive ends at byte 16384 of the 17920 of disk Ref:4",
    ),
    "a disk longer than promised": (
        changed(GOOD, "Ref:4/00000004", THREE),
        "Ref:4/00000004",
        r"it ends at byte 20480 of disk Ref:4, but ova.xml declares 17920 bytes",
    ),
    "a member after the disks": (
        [*GOOD, Member("Ref:4/00000005", ONE)],
        "Ref:4/00000005",
        r"it follows the last of the 1 disks that ova.xml names",
    ),
    "a folder": (
        [GOOD[0], Member("Ref:4/", b"", tar_header("Ref:4/", 0, "ustar", kind=b"5")), *GOOD[1:]],
        "Ref:4/00000000",
        r"'Ref:4/' is a folder",
    ),
    "a pax header": (
        [Member("pax", b"20 mtime=1.5".ljust(512), tar_header("pax", 512, "ustar", kind=b"x")), *GOOD],
        "ova.xml",
        r"'pax' is a pax header",
    ),
    "a size in base 256": (
        [Member("ova.xml", b"", tar_header("ova.xml", 0, "gnu", size_field=b"\x80" + bytes(11))), *GOOD[1:]],
        "ova.xml",
        r"the size of 'ova.xml' is .* not an octal number",
    ),
    "an ova.xml beyond all bounds": (
        [Member("ova.xml", b"", tar_header("ova.xml", (64 << 20) + 1)), *GOOD[1:]],
        "ova.xml",
        r"it has 67108865 bytes; at most 67108864 are read",
    ),
    "an ova.xml that is none": (
        changed(GOOD, "ova.xml", b"<html>"),
        "ova.xml",
        r"ova.xml at byte 0: it is not an XML-RPC value",
    ),
}


@pytest.mark.parametrize("case", BENT)
def test_what_xapi_could_not_import_is_refused_with_the_member_and_the_reason(case: str) -> None:
    listed, member, why = BENT[case]

    with pytest.raises(XvaError, match=rf"at byte \d+: .*{why}|{why}") as caught:
        read(archive(listed))
    assert caught.value.member == member


@pytest.mark.parametrize(("end", "why"), [
    (b"", "the file ends here"),
    (bytes(512), "the file ends here"),
    (bytes(1023), "the file ends here"),
    (bytes(512) + b"x" * 512, "the second zero block of the end is missing"),
    (END + b"x", "the end of the archive is followed by more than zeros"),
    (END + bytes(512) + b"x", "the end of the archive is followed by more than zeros"),
])  # fmt: skip
def test_the_end_must_be_whole_and_nothing_may_follow(end: bytes, why: str) -> None:
    with pytest.raises(XvaError, match=why) as caught:
        read(archive(GOOD, end=end))
    assert caught.value.member == "the end of the archive"


def test_padding_that_is_not_zero_is_damage() -> None:
    data = bytearray(xva(DISK))
    data[data.index(checksum_of(TWO, "xxhash")) + 16] = 1

    with pytest.raises(XvaError, match="the padding after it is not zero") as caught:
        read(bytes(data))
    assert caught.value.member == "Ref:4/00000003.xxhash"


def test_every_truncation_is_refused() -> None:
    data = xva(DISK)

    for length in range(0, len(data), 97):
        with pytest.raises(XvaError, match="truncated"):
            read(data[:length])


def test_a_truncation_names_the_member_that_was_being_read() -> None:
    data = xva(DISK)

    with pytest.raises(XvaError, match=r"Ref:4/00000003 at byte \d+: the file ends here, at byte \d+") as caught:
        read(data[: data.index(TWO) + 10])
    assert caught.value.member == "Ref:4/00000003"


ERROR_PAGE = b"HTTP/1.1 500 Internal Server Error\r\nContent-Type: text/html\r\n\r\n<html>" + b"x" * 600


def test_an_http_error_between_members_is_named() -> None:
    data = xva(DISK)
    at = data.index(b"Ref:4/00000003\0")

    with pytest.raises(XvaError, match="it holds the HTTP answer 'HTTP/1\\.1 500 Internal Server E"):
        read(data[:at] + ERROR_PAGE)


def test_an_http_error_within_a_block_is_named() -> None:
    data = xva(DISK)

    with pytest.raises(XvaError, match="the export failed: it holds the HTTP answer 'HTTP/1\\.1 500") as caught:
        read(data[: data.index(TWO) + 1000] + ERROR_PAGE)
    assert caught.value.member == "Ref:4/00000003"


def test_an_http_error_after_the_end_is_named() -> None:
    with pytest.raises(XvaError, match="the export failed: it holds the HTTP answer 'HTTP/1\\.1 500"):
        read(xva(DISK) + ERROR_PAGE)


def test_other_text_where_a_header_should_be_is_quoted() -> None:
    with pytest.raises(XvaError, match="it begins with the text 'SESSION_INVALID"):
        read(b"SESSION_INVALID: log in again".ljust(512))


def test_text_that_is_shorter_than_a_header_is_quoted() -> None:
    with pytest.raises(XvaError, match="it is truncated \\(it begins with the text '<html><h1>Not Found"):
        read(b"<html><h1>Not Found</h1></html>")


def test_only_a_header_of_ova_xml_begins_like_an_xva() -> None:
    assert begins_like_an_xva(tar_header("ova.xml", 5))
    assert not begins_like_an_xva(tar_header("readme", 5))
    assert not begins_like_an_xva(tar_header("ova.xml", 5)[:511])
    assert not begins_like_an_xva(b"")
