"""Files and pipes are opened, looked at and read without ever hanging."""

from __future__ import annotations

import asyncio
import gzip
import io
import lzma
import os
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import zstandard

from dcdist.errors import FormatError, InputChangedError, UsageError, XvaError
from dcdist.formats.file_kind import FileKind
from dcdist.publishing.publish_request import ImageSource
from dcdist.publishing.reading.image_input import BATCH, ImageInput
from dcdist.publishing.reading.input_images import batches, open_images
from tests.support.publishing import noise
from tests.support.xva import Disk, tar_header, xva

if TYPE_CHECKING:
    from collections.abc import Callable


def test_a_batch_is_bounded_and_the_last_is_empty() -> None:
    image = ImageInput(ImageSource("a", stream=io.BytesIO(bytes(2 * BATCH + 5))))
    image.open()

    sizes = [sum(len(part.data) for part in batch) for batch in iter(image.batch, [])]

    assert sum(sizes) == 2 * BATCH + 5
    assert max(sizes) < BATCH + (1 << 20)
    assert (image.read, image.plain) == (2 * BATCH + 5, 2 * BATCH + 5)
    assert image.batch() == []


def test_a_file_tells_its_size_and_a_stream_does_not(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"12345")
    file, stream = ImageInput(ImageSource.of(tmp_path / "file")), ImageInput(ImageSource("s", stream=io.BytesIO(b"1")))
    file.open()
    stream.open()
    file.close()

    assert (file.name, file.size, stream.size) == ("file", 5, None)


def test_a_file_is_open_only_while_it_is_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bytes(BATCH + 5))
    before = set(os.listdir("/proc/self/fd"))
    image = ImageInput(ImageSource.of(tmp_path / "file"))
    image.open()
    assert set(os.listdir("/proc/self/fd")) == before

    assert sum(len(part.data) for batch in iter(image.batch, []) for part in batch) == BATCH + 5
    assert set(os.listdir("/proc/self/fd")) == before
    assert image.read == BATCH + 5


def test_a_folder_is_no_image(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read: Is a directory"):
        ImageInput(ImageSource.of(tmp_path)).open()


def test_a_source_must_come_from_somewhere() -> None:
    with pytest.raises(UsageError, match="image 'a' has neither a path nor a stream"):
        ImageInput(ImageSource("a")).open()


async def test_a_silent_pipe_does_not_hold_up_a_cancellation_while_it_is_opened() -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as pipe, os.fdopen(writing, "wb"):

        async def look() -> None:
            async with open_images([ImageSource("a", stream=pipe)]):
                raise AssertionError

        task = asyncio.create_task(look())
        for _ in range(3):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, 10)


async def test_a_pipe_that_falls_silent_does_not_hold_up_a_cancellation_while_it_is_read() -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as pipe, os.fdopen(writing, "wb", buffering=0) as end:
        reader = asyncio.create_task(read_all(ImageSource("a", stream=pipe)))
        await asyncio.to_thread(end.write, bytes(300 << 10))
        for _ in range(3):
            await asyncio.sleep(0)
        reader.cancel()

        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(reader, 10)


async def read_all(source: ImageSource) -> None:
    async with open_images([source]) as images, aclosing(batches(images.inputs[0])) as parts:
        async for _ in parts:
            pass


RAW = noise(5, 3 * BATCH)
IMAGES = {
    "disk.raw": RAW,
    "disk.qcow2": b"QFI\xfb" + RAW,
    "cd.iso": bytes(32769) + b"CD001" + RAW,
    "web.xva": xva(Disk("Ref:4", RAW)),
}


def rest(image: ImageInput) -> bytes:
    return b"".join(part.data for batch in iter(image.batch, []) for part in batch)


def old_file(path: Path, content: bytes) -> Path:
    """A file of long ago: any write moves its time, however coarse the clock of the file system is."""
    path.write_bytes(content)
    os.utime(path, (1, 1))
    return path


def overwritten(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(-1000, os.SEEK_END)
        file.write(b"torn")


def grown(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")
    os.utime(path, (1, 1))


def replaced(path: Path) -> None:
    os.replace(old_file(path.with_name("other"), path.read_bytes()), path)


def hidden(path: Path) -> None:
    """A write after which the old time is set again, as `touch -r` and some copying tools do."""
    before = path.stat().st_ctime_ns
    while path.stat().st_ctime_ns == before:
        overwritten(path)
        os.utime(path, (1, 1))


CHANGES = [
    (overwritten, "it was written to"), (grown, "it had \\d+ bytes and has \\d+"), (Path.unlink, "it was removed"),
    (replaced, "another file took its place"), (hidden, "its time of change moved"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "told"), CHANGES)
@pytest.mark.parametrize("name", IMAGES)
def test_a_file_that_changes_while_it_is_read_is_refused(
    tmp_path: Path, name: str, change: Callable[[Path], None], told: str
) -> None:
    path = old_file(tmp_path / name, IMAGES[name])
    image = ImageInput(ImageSource.of(path))
    image.open()
    assert image.batch()
    change(path)

    with pytest.raises(InputChangedError, match=rf"{name} changed while it was read: ({told})") as caught:
        rest(image)
    image.close()
    assert (caught.value.exit_code, caught.value.path) == (5, str(path))


@pytest.mark.parametrize(("change", "told"), CHANGES)
def test_a_file_that_changes_before_its_turn_is_refused(
    tmp_path: Path, change: Callable[[Path], None], told: str
) -> None:
    path = old_file(tmp_path / "disk.raw", b"x" * 5000)
    image = ImageInput(ImageSource.of(path))
    image.open()
    change(path)

    with pytest.raises(InputChangedError, match=told):
        image.batch()
    image.close()


def test_a_file_that_is_replaced_after_its_last_byte_was_read_is_refused(tmp_path: Path) -> None:
    path = old_file(tmp_path / "disk.raw", b"x" * (2 * BATCH))
    image = ImageInput(ImageSource.of(path))
    image.open()
    assert len(image.batch()) + len(image.batch()) == 8
    assert image.read == 2 * BATCH
    replaced(path)

    with pytest.raises(InputChangedError, match="changed while it was read"):
        image.batch()
    image.close()


def test_a_file_on_standard_input_that_changes_is_refused(tmp_path: Path) -> None:
    path = old_file(tmp_path / "disk.raw", RAW)
    with path.open("rb") as stream:
        image = ImageInput(ImageSource("piped.raw", stream=stream))
        image.open()
        assert image.batch()
        overwritten(path)

        with pytest.raises(InputChangedError, match=r"piped\.raw changed while it was read: it was written to"):
            rest(image)


def test_a_file_that_is_only_read_meanwhile_has_not_changed(tmp_path: Path) -> None:
    path = old_file(tmp_path / "disk.raw", RAW)
    image = ImageInput(ImageSource.of(path))
    image.open()
    first = b"".join(part.data for part in image.batch())
    path.read_bytes()
    os.utime(tmp_path)

    assert first + rest(image) == RAW


def test_an_empty_file_or_pipe_is_refused_unless_it_is_meant(tmp_path: Path) -> None:
    (tmp_path / "disk.raw").write_bytes(b"")
    file = ImageSource.of(tmp_path / "disk.raw")
    with pytest.raises(FormatError, match=r"disk.raw is empty. Did the command that wrote it fail\? --allow-empty"):
        ImageInput(file).open()
    meant = ImageInput(file)
    meant.open(allow_empty=True)
    assert meant.batch() == []

    reading, writing = os.pipe()
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        piped = ImageInput(ImageSource("piped.raw", stream=pipe))
        with pytest.raises(
            FormatError,
            match=r"piped.raw is empty: nothing came through the pipe. Did the command before the pipe fail\?",
        ) as caught:
            piped.open()
    assert caught.value.exit_code == 5


def test_an_empty_device_is_not_called_a_pipe() -> None:
    expected = r"is empty: nothing came from that device\. --allow-empty publishes it as it is"
    named = ImageInput(ImageSource.of(Path("/dev/null")))
    with pytest.raises(FormatError, match=f"/dev/null {expected}"):
        named.open()
    named.close()
    with open("/dev/null", "rb") as stream, pytest.raises(FormatError, match=f"piped.raw {expected}"):
        ImageInput(ImageSource("piped.raw", stream=stream)).open()


@pytest.mark.parametrize("name", ["web.xva", "web.xva.zstd"])
def test_an_empty_xva_is_never_meant(name: str) -> None:
    with pytest.raises(XvaError, match=r"web\.xva.* is not a valid XVA: it is empty: nothing came through the pipe"):
        ImageInput(ImageSource(name, stream=io.BytesIO())).open(allow_empty=True)


SMALL = xva(Disk("Ref:4", noise(1, 5000)))
PACKERS: dict[str, Callable[[bytes], bytes]] = {"plain": bytes, "gzip": gzip.compress, "zstd": zstandard.compress}


@pytest.mark.parametrize("packed", PACKERS)
@pytest.mark.parametrize(
    ("name", "published_as"),
    [
        ("web.xva", "web.xva"), ("web.xva.gz", "web.xva"), ("web.xva.gzip", "web.xva"), ("web.xva.zst", "web.xva"),
        ("web.xva.zstd", "web.xva"), ("web.tgz", "web.tar"), ("web.taz", "web.tar"), ("web.tzst", "web.tar"),
        ("web.XVA.ZSTD", "web.XVA"), ("web", "web"), ("web.v2", "web.v2"),
    ],
)  # fmt: skip
def test_an_xva_is_named_for_what_it_is(packed: str, name: str, published_as: str) -> None:
    image = ImageInput(ImageSource(name, stream=io.BytesIO(PACKERS[packed](SMALL))))
    image.open()

    assert (image.is_xva, image.name) == (True, published_as)
    assert rest(image) == SMALL


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("web.xva.xz", lzma.compress(SMALL), FileKind("an xz file", compressed=True)),
        ("web.tgz", gzip.compress(b"no XVA" * 1000), FileKind("a gzip file", compressed=True)),
        ("disk.qcow2", b"QFI\xfb" + bytes(600), FileKind("a qcow2 disk image")),
        ("disk.raw", b"x" * 600, None),
    ],
)
def test_another_file_keeps_its_name_and_is_known_by_its_looks(
    name: str, content: bytes, kind: FileKind | None
) -> None:
    image = ImageInput(ImageSource(name, stream=io.BytesIO(content)))
    image.open()

    assert (image.is_xva, image.name, image.kind) == (False, name, kind)
    assert rest(image) == content


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("web.xva", b"<html><h1>Not Found</h1></html>", "it looks like an HTML page"),
        ("web.xva.gz", gzip.compress(b"<html></html>"), "it looks like an HTML page inside gzip"),
        ("web.xva.zstd", b"<!DOCTYPE html>" * 60, "it looks like an HTML page"),
        ("web.xva", b"QFI\xfb" + bytes(900), "it looks like a qcow2 disk image"),
        ("web.xva", b"PK\3\4" + bytes(900), "it looks like a zip archive; only gzip and zstd are unpacked"),
        ("web.xva", lzma.compress(SMALL), "it looks like an xz file; only gzip and zstd are unpacked here"),
        ("web.xva", tar_header("vm.ovf", 0), "it looks like an OVA, an export of another product"),
        ("web.xva", b"no rights", "ova.xml at byte 0: the file ends here, at byte 9: it is truncated .*'no rights'"),
        ("web.xva", SMALL[:300], "ova.xml at byte 0: the file ends here, at byte 300: it is truncated"),
        ("web.xva", b"\xff" * 900, "ova.xml at byte 0: not a tar header, or a damaged one: its checksum is not an"),
        ("web.xva.gz", b"\x1f\x8bgarbage", "ova.xml: the gzip stream is damaged"),
    ],
)
def test_what_is_named_like_an_xva_and_is_none_is_refused_at_first_sight_with_its_looks(
    name: str, content: bytes, told: str
) -> None:
    with pytest.raises(XvaError, match=rf"{name} is not a valid XVA: {told}") as caught:
        ImageInput(ImageSource(name, stream=io.BytesIO(content))).open()
    assert "b'" not in str(caught.value)
    assert caught.value.member == "ova.xml"
