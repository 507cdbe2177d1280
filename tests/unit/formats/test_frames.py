from __future__ import annotations

import pytest
import zstandard

from dcdist.errors import FormatError, IntegrityError, InvariantError, UsageError
from dcdist.formats import frames
from dcdist.formats.frames import Packer, Unpacker
from dcdist.model.layer import Frame
from tests.support.format_objects import digest

PLAIN = b"one run of plain bytes, " * 100


def frame(data: bytes, plain_length: int) -> Frame:
    """A frame that promises just these bytes."""
    return Frame(3, 0, len(data), 0, plain_length, digest(data))


@pytest.mark.parametrize("level", [1, 9, 19, 22])
def test_plain_bytes_pass_through_a_frame(level: int) -> None:
    data = Packer(level).pack(memoryview(PLAIN))
    assert Unpacker().unpack(frame(data, 2400), memoryview(data)) == PLAIN
    assert frames.unpack(frame(data, 2400), data) == PLAIN


def test_a_packer_and_an_unpacker_serve_many_frames() -> None:
    packer, unpacker = Packer(3), Unpacker()
    for plain in (b"a", PLAIN, b"b" * 70_000):
        data = packer.pack(plain)
        assert unpacker.unpack(frame(data, len(plain)), data) == plain


def test_a_frame_declares_its_size_and_has_no_checksum() -> None:
    parameters = zstandard.get_frame_parameters(Packer(9).pack(PLAIN))
    assert (parameters.content_size, parameters.has_checksum, parameters.dict_id) == (2400, False, 0)


def test_the_largest_frame_keeps_within_the_bounds() -> None:
    plain = bytes(range(256)) * (frames.FRAME_PLAIN_LIMIT // 256)
    assert len(plain) == 4 << 20
    data = Packer(22).pack(plain)
    assert frames.unpack(frame(data, len(plain)), data) == plain
    assert frames.FRAME_LIMIT == 4210688


@pytest.mark.parametrize("length", [0, (4 << 20) + 1])
def test_a_run_that_no_frame_may_hold_is_not_packed(length: int) -> None:
    with pytest.raises(InvariantError):
        Packer(1).pack(bytes(length))


@pytest.mark.parametrize("level", [0, 23, -1])
def test_a_level_that_zstd_lacks_is_refused(level: int) -> None:
    with pytest.raises(UsageError, match=f"no compression level {level}: choose 1 to 22"):
        Packer(level)


def test_other_bytes_are_refused_before_they_are_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dcdist.formats.compression.unpack", lambda *_args, **_options: pytest.fail("unpacked"))
    data = Packer(1).pack(PLAIN)
    with pytest.raises(IntegrityError, match="frame 3"):
        Unpacker().unpack(frame(data, 2400), data[:-1] + b"\0")


@pytest.mark.parametrize("plain_length", [1, 2399, 2401])
def test_a_frame_of_another_length_than_promised_is_refused(plain_length: int) -> None:
    data = Packer(1).pack(PLAIN)
    with pytest.raises(FormatError, match="frame 3 cannot be read"):
        Unpacker().unpack(frame(data, plain_length), data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"garbage",
        PLAIN,
        Packer(1).pack(PLAIN)[:-1],
        Packer(1).pack(PLAIN) + b"\0",
        Packer(1).pack(PLAIN) + Packer(1).pack(PLAIN),
        zstandard.ZstdCompressor(write_content_size=False).compress(PLAIN),
        b"\x50\x2a\x4d\x18\x04\x00\x00\x00abcd" + Packer(1).pack(PLAIN),
    ],
)
def test_promised_bytes_that_are_no_frame_are_refused(data: bytes) -> None:
    with pytest.raises(FormatError, match="frame 3 cannot be read"):
        Unpacker().unpack(frame(data, 2400), data)
