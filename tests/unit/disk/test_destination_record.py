"""What a destination's record says, how it is written, and what follows from it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from dcdist.disk.destination_record import (
    BroughtFile,
    BroughtRelease,
    DestinationRecord,
    encode_record,
    read_record,
)
from dcdist.errors import FormatError, NewerFormatError
from dcdist.model.identity import Digest, ReleaseName
from tests.support.deliveries import made_release

WEB_1, WEB_2, DB_3 = ReleaseName("web", "1"), ReleaseName("web", "2"), ReleaseName("db", "3")
GOLDEN = b"""{
 "format": 1,
 "releases": {
  "db": {
   "version": "3",
   "state": "incomplete",
   "images": []
  },
  "web": {
   "version": "2",
   "state": "complete",
   "images": [
    "base.iso",
    "web.xva"
   ]
  }
 },
 "files": {
  "base.iso": {
   "releases": [
    "db@3",
    "web@2"
   ],
   "size": 1099511627776,
   "sha256": "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
   "mode": "0644",
   "mtime_ns": 1767225600000000001,
   "ctime_ns": 1767225600000000002,
   "inode": 18446744073709551615
  },
  "metadata/net/plan.sh": {
   "releases": [
    "web@2"
   ],
   "size": 0,
   "sha256": "0000000000000000000000000000000000000000000000000000000000000000",
   "mode": "0755",
   "mtime_ns": -1,
   "ctime_ns": 0,
   "inode": 7
  }
 }
}
"""
"""Format 1, as it was first written: it must stay readable."""


def _file(*releases: ReleaseName, content: int = 0) -> BroughtFile:
    return BroughtFile(releases, 0, Digest(bytes([content] * 32)), 0o755, -1, 0, 7)


RECORD = DestinationRecord(
    {"web": BroughtRelease(WEB_2, ("base.iso", "web.xva"), True), "db": BroughtRelease(DB_3, (), False)},
    {
        "base.iso": BroughtFile(
            (DB_3, WEB_2), 1 << 40, Digest(b"\x0b" * 32), 0o644, 1767225600000000001, 1767225600000000002, (1 << 64) - 1
        ),
        "metadata/net/plan.sh": _file(WEB_2),
    },
)


def test_the_format_stays_what_it_was() -> None:
    assert encode_record(RECORD) == GOLDEN
    assert read_record(GOLDEN) == RECORD
    assert read_record(encode_record(DestinationRecord())) == DestinationRecord()


def _changed(*path: str, value: object) -> bytes:
    found: Any = json.loads(GOLDEN)
    *way, last = path
    inner = found
    for each in way:
        inner = inner[each]
    inner[last] = value
    return json.dumps(found).encode()


PLAN = ("files", "metadata/net/plan.sh")


@pytest.mark.parametrize(
    "data",
    [
        b"", b"[]", b"null", b"{", b"\xff", b"[" * 100_000, b'{"format": 1}', _changed("format", value=0),
        _changed("format", value=True), _changed("format", value="1"), _changed("format", value=1 << 70),
        _changed("releases", value=[]), _changed("releases", "web", value=1), _changed("releases", "a b", value={}),
        _changed("releases", "web", "state", value="done"), _changed("releases", "web", "images", value=[1]),
        _changed("releases", "web", "images", value=["../x"]), _changed("releases", "web", "version", value=""),
        _changed("files", value=None), _changed("files", "x", value={}), _changed(*PLAN, "size", value=-1),
        _changed(*PLAN, "size", value=1.0), _changed(*PLAN, "inode", value=1 << 64), _changed(*PLAN, "mode", value="9"),
        _changed(*PLAN, "sha256", value="00"), _changed(*PLAN, "mtime_ns", value=None),
        _changed(*PLAN, "releases", value=[]), _changed(*PLAN, "releases", value=["web@1", "web@2"]),
        _changed(*PLAN, "releases", value=["web"]), _changed(*PLAN, "releases", value="web@1"),
    ],
)  # fmt: skip
def test_a_record_of_another_form_is_refused(data: bytes) -> None:
    with pytest.raises(FormatError):
        read_record(data)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/etc/passwd",
        "../x",
        "a/b",
        "metadata/../../x",
        "metadata/",
        "metadata",
        ".ssh",
        "metadata/.x",
        "a\0",
        "other/x",
    ],
)
def test_a_record_that_names_a_path_elsewhere_is_refused(path: str) -> None:
    with pytest.raises(FormatError):
        read_record(_changed("files", path, value=json.loads(GOLDEN)["files"]["base.iso"]))


def test_a_newer_format_is_named() -> None:
    with pytest.raises(NewerFormatError, match="format 2, and this dcdist reads 1") as caught:
        read_record(b'{"format": 2, "other": []}')
    assert caught.value.needed == 2


def test_keys_that_a_reader_does_not_know_are_ignored() -> None:
    assert read_record(_changed("more", value=[1])) == RECORD
    assert read_record(_changed(*PLAN, "more", value=[1])) == RECORD


def test_what_a_release_has_not_is_obsolete_unless_it_is_an_image_that_may_have_been_left_out() -> None:
    files = {"web.xva": _file(WEB_1), "x.iso": _file(WEB_1), "metadata/a": _file(WEB_1), "db.xva": _file(DB_3)}
    record = DestinationRecord({}, files)
    release = made_release("web@2", {"web.xva": b""}, {"b": b""})

    assert record.obsolete(release, images=True) == ["metadata/a", "x.iso"]
    assert record.obsolete(release, images=False) == ["metadata/a"]
    assert record.earlier(WEB_2) == ["metadata/a", "web.xva", "x.iso"]


def test_a_file_that_two_demos_have_is_given_up_one_by_one() -> None:
    record = RECORD.given_up("base.iso", "web")
    assert record.files["base.iso"].releases == (DB_3,)
    assert "base.iso" not in record.given_up("base.iso", "db").files


def test_a_file_of_other_bytes_takes_it_from_the_other_demo_which_is_not_complete_any_more() -> None:
    same = replace(RECORD.files["base.iso"], releases=(ReleaseName("db", "4"),))
    assert RECORD.put("base.iso", same).files["base.iso"].releases == (ReleaseName("db", "4"), WEB_2)
    other = RECORD.put("base.iso", _file(DB_3, content=1))
    assert other.files["base.iso"].releases == (DB_3,)
    assert not other.releases["web"].complete


def test_a_release_that_is_begun_is_incomplete_and_keeps_images_of_its_own_only() -> None:
    again = RECORD.begun(WEB_2, ["x.iso"]).releases["web"]
    assert again == BroughtRelease(WEB_2, ("base.iso", "x.iso"), False)
    assert RECORD.begun(WEB_1, ["x.iso"]).releases["web"] == BroughtRelease(WEB_1, ("x.iso",), False)
    assert RECORD.completed(WEB_2).holds(WEB_2) == BroughtRelease(WEB_2, ("base.iso", "web.xva"), True)
    assert RECORD.holds(WEB_1) is None
