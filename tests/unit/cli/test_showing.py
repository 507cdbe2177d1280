"""The events of a fetch as lines and as records."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, get_args

import pytest

from dcdist.cli.display.fetch_display import JsonLines, PlainLines, SeedingChild, seeding_line
from dcdist.cli.display.records import fetch_event, record
from dcdist.cli.display.store_notes import StoreNotes
from dcdist.cli.display.throttle import Throttle
from dcdist.cli.display.verify_display import advice, verify_display
from dcdist.cli.display.verify_display import line as verified_line
from dcdist.cli.display.words import line
from dcdist.engine import fetch_events, troubles
from dcdist.errors import StoreUnavailableError
from dcdist.model.identity import LayerName, ReleaseName
from dcdist.model.trouble import Troubled
from dcdist.node.verification import (
    Condition,
    ImageVerified,
    LeftOver,
    MetadataVerified,
    OthersFound,
    Recorded,
    Verifying,
)
from dcdist.publishing import publish_events

if TYPE_CHECKING:
    from dcdist.engine.fetch_events import FetchEvent
    from dcdist.node.verification import VerifyEvent

RELEASE = ReleaseName("web", "2")
LAYER = LayerName("0" * 32)
COUNTED = fetch_events.Counted(
    images=5_000_000, store=2_000_000, peers=3_000_000, reused=4_000_000, wasted=1000, given=6_000_000
)
PROGRESS = fetch_events.Progress(
    bytes=COUNTED,
    layer_bytes=2_500_000,
    layer_total=5_000_000,
    image_total=10_000_000,
    from_store=1_500_000.0,
    from_peers=2_000_000.0,
    peers=3,
    seconds_left=12.0,
)
FETCHED = fetch_events.Fetched(
    RELEASE, 2.5, COUNTED, 3, fetch_events.MemberCounts(7, 3, 2), "0.0.0.0:6881, [::]:6881", "10.0.0.5:6881"
)
UNANNOUNCED = replace(FETCHED, advertised=None, members=fetch_events.MemberCounts(0, 0, 0))
ALONE = replace(UNANNOUNCED, listening=None)
SHOWN: list[tuple[FetchEvent, str]] = [
    (
        fetch_events.ReleaseFound(RELEASE, 2, 5_000_000, 4_000_000, 2, 5_000_000),
        "web@2: 2 images, 5.00 MB, from layers of 4.00 MB",
    ),
    (
        fetch_events.ReleaseFound(RELEASE, 1, 148_000_000, 300_000_000, 2, 335_000_000),
        "web@2: 1 of 2 images, 148 MB of 335 MB; the layers that hold them come whole: 300 MB, less what the cache has",
    ),
    (fetch_events.MetadataWritten(3), "3 metadata files in place"),
    (fetch_events.MetadataWritten(0), "no metadata files"),
    (fetch_events.ReleaseFound(RELEASE, 0, 0, 4_000_000, 2, 5_000_000), "web@2: layers of 4.00 MB"),
    (fetch_events.ReleaseFound(RELEASE, 0, 0, 0, 2, 5_000_000), "web@2: metadata only"),
    (fetch_events.ReleaseFound(RELEASE, 2, 5_000_000, 0, 2, 5_000_000), "web@2: 2 images, 5.00 MB, in place"),
    (
        fetch_events.LayerChecked(LAYER, 1000, 2000),
        f"checking layer {LAYER} in the cache (the last run ended uncleanly): 1.00 kB of 2.00 kB",
    ),
    (
        fetch_events.ImageChecked("web.xva", 1000, 2000),
        "reading web.xva in the destination: 1.00 kB of 2.00 kB",
    ),
    (fetch_events.Waiting(LAYER, "busy"), "waiting: busy"),
    (
        PROGRESS,
        "50%: layers 2.50 MB of 5.00 MB, images 5.00 MB of 10.0 MB, 1.50 MB/s from the store, 2.00 MB/s from 3 "
        "peers, 6.00 MB given to others, 12 s left",
    ),
    (fetch_events.ImageFinished("web.xva", 5_000_000), "image web.xva is complete, 5.00 MB"),
    (
        fetch_events.ImageFinished("web.xva", 5_000_000, in_place=True),
        "image web.xva is in place, not read again, 5.00 MB",
    ),
    (
        fetch_events.ImageFinished("web.xva", 5_000_000, in_place=True, read=True),
        "image web.xva is in place, read and intact, 5.00 MB",
    ),
    (fetch_events.FileReplaced("web.xva", "it was own"), "replaced web.xva: it was own"),
    (fetch_events.FileRemoved("x.iso", "web@1 brought it"), "removed x.iso: web@1 brought it"),
    (fetch_events.FileKept("x.iso", "it was changed"), "kept x.iso: it was changed"),
    (fetch_events.Troubled("slow"), "note: slow"),
    (fetch_events.Troubled("bad", fetch_events.Trouble.CORRUPT, "10.0.0.5:6881"), "note: bad"),
    (
        FETCHED,
        "web@2 is complete after 2.5 s: 5.00 MB of images, 2.00 MB/s\n  from the store 2.00 MB, from 3 other hosts "
        "3.00 MB, from the cache 4.00 MB, wasted 1.00 kB\n"
        "  announced as 10.0.0.5:6881; 3 of 7 hosts connected at the end, 2 unreachable; 6.00 MB given to others",
    ),
    (
        UNANNOUNCED,
        "web@2 is complete after 2.5 s: 5.00 MB of images, 2.00 MB/s\n  from the store 2.00 MB, from 3 other hosts "
        "3.00 MB, from the cache 4.00 MB, wasted 1.00 kB\n"
        "  listening on 0.0.0.0:6881, [::]:6881; no other host was listed at the end; 6.00 MB given to others",
    ),
    (
        ALONE,
        "web@2 is complete after 2.5 s: 5.00 MB of images, 2.00 MB/s\n  from the store 2.00 MB, from 3 other hosts "
        "3.00 MB, from the cache 4.00 MB, wasted 1.00 kB",
    ),
    (fetch_events.Seeding(600.0), "giving to other hosts for 10 min"),
    (fetch_events.TookOver(4711), "process 4711, which seeded from the same cache, gave way and has ended"),
    (fetch_events.GaveWay(0), "giving way to another process, which uses the same cache"),
    (fetch_events.GaveWay(4711), "giving way to process 4711, which uses the same cache"),
]


@pytest.mark.parametrize(
    ("event", "name"),
    [
        (publish_events.PublishProgress(1, 2, 3), "progress"),
        (publish_events.ImagePublished("web.xva", 6, 3, 2, 1), "image_finished"),
        (publish_events.Resumed(1), "resumed"),
    ],
)
def test_an_event_of_a_publish_has_the_name_that_programs_know(event: object, name: str) -> None:
    assert record(event)["event"] == name


def test_every_event_is_tried_here() -> None:
    assert {type(event) for event, _ in SHOWN} == set(get_args(fetch_events.FetchEvent))


@pytest.mark.parametrize(("event", "text"), SHOWN)
def test_an_event_is_a_line_for_people(event: FetchEvent, text: str) -> None:
    assert line(event) == text


@pytest.mark.parametrize("event", [event for event, _ in SHOWN])
def test_an_event_survives_its_record(event: FetchEvent) -> None:
    assert fetch_event(json.loads(json.dumps(record(event)))) == event


def test_the_record_of_a_fetched_release_has_the_promised_keys() -> None:
    assert record(FETCHED) == {
        "event": "fetched",
        "release": "web@2",
        "seconds": 2.5,
        "bytes": {
            "images": 5_000_000,
            "store": 2_000_000,
            "peers": 3_000_000,
            "reused": 4_000_000,
            "wasted": 1000,
            "given": 6_000_000,
        },
        "peers_seen": 3,
        "members": {"listed": 7, "linked": 3, "unreachable": 2},
        "listening": "0.0.0.0:6881, [::]:6881",
        "advertised": "10.0.0.5:6881",
    }


def test_infinity_has_no_place_in_json_and_becomes_null() -> None:
    assert record(replace(PROGRESS, seconds_left=float("inf")))["seconds_left"] is None


def test_a_record_of_something_else_is_no_event() -> None:
    assert fetch_event({"event": "error", "kind": "X"}) is None
    assert fetch_event({}) is None


class _Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_log_gets_progress_every_ten_seconds_and_news_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    clock = _Clock()
    lines = PlainLines(clock)
    for here, now in enumerate((100.0, 109.9, 110.0, 115.0, 120.1)):
        clock.now = now
        lines.report(replace(PROGRESS, layer_bytes=PROGRESS.layer_bytes + here * 10_000))
    lines.report(fetch_events.Troubled("slow"))
    printed = capsys.readouterr().out.splitlines()
    assert [text[:4] for text in printed] == ["50%:", "50%:", "note"]


def test_a_log_gets_the_same_progress_once_a_minute(capsys: pytest.CaptureFixture[str]) -> None:
    clock = _Clock()
    lines = PlainLines(clock)
    for now in range(100, 300, 5):
        clock.now = float(now)
        lines.report(PROGRESS if now < 250 else replace(PROGRESS, peers=4))
    printed = capsys.readouterr().out.splitlines()
    assert [text.count("from 3 peers") for text in printed] == [1, 1, 1, 0]


def test_a_store_that_fails_on_and_on_is_told_of_now_and_then_and_all_else_always(
    capsys: pytest.CaptureFixture[str],
) -> None:
    clock = _Clock()
    lines = PlainLines(clock)
    for now in (100.0, 101.0, 109.0, 110.5):
        clock.now = now
        lines.report(fetch_events.Troubled("no answer", fetch_events.Trouble.STORE, "swift://demos/layers"))
        lines.report(fetch_events.Troubled("wrong bytes", fetch_events.Trouble.CORRUPT, "10.0.0.5:6881"))
    printed = capsys.readouterr().out.splitlines()
    assert printed.count("note: no answer") == 2
    assert printed.count("note: wrong bytes") == 4


def test_a_store_that_fails_on_and_on_is_noted_on_standard_error_as_in_a_fetch(
    capsys: pytest.CaptureFixture[str],
) -> None:
    clock = _Clock()
    notes = StoreNotes(clock)
    for now in (100.0, 101.0, 109.0, 110.5):
        clock.now = now
        notes.report(troubles.retried(StoreUnavailableError("no answer", store="swift://demos"), 1, 2.0))
        notes.report(fetch_events.Troubled("wrong bytes", fetch_events.Trouble.CORRUPT))
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("note: no answer; try 1 failed, the next is in 2.0 s\n") == 2
    assert printed.err.count("note: wrong bytes\n") == 4


@pytest.mark.parametrize(
    ("at_once", "passed"),
    [
        (False, [False, False, True, False, True, True, False]),
        (True, [True, False, True, False, True, True, False]),
    ],
)
def test_a_throttle_lets_pass_at_most_once_in_its_time(at_once: bool, passed: list[bool]) -> None:
    clock = _Clock()
    throttle = Throttle(1.0, clock, at_once=at_once)
    seen = []
    for now in (100.0, 100.9, 101.0, 101.5, 102.0, 105.0, 105.5):
        clock.now = now
        seen.append(throttle.passes())
    assert seen == passed


def test_a_command_that_stays_says_why_and_how_to_end_it() -> None:
    child = SeedingChild(4711, 600.0, "/cache/seeding.log", "it is process 1 here, and its container ends with it")
    assert seeding_line(child, datetime(2026, 11, 30, 12, 0, tzinfo=UTC)) == (
        "giving to other hosts for 10 min, until 12:10:00 (log: /cache/seeding.log); this command waits for that, "
        "since it is process 1 here, and its container ends with it\n  to end it: Ctrl-C or SIGTERM; "
        "--seed-for 0 omits it"
    )


def test_for_programs_the_last_line_is_the_fetched_release(capsys: pytest.CaptureFixture[str]) -> None:
    JsonLines().finish(FETCHED, SeedingChild(4711, 600.0, "/cache/seeding.log"))
    records = [json.loads(text) for text in capsys.readouterr().out.splitlines()]
    assert records == [
        {"event": "seeding", "seconds": 600.0, "pid": 4711, "log": "/cache/seeding.log", "foreground": False},
        record(FETCHED),
    ]


def test_people_are_told_until_when_it_seeds_and_how_to_stop_it() -> None:
    now = datetime(2026, 1, 2, 23, 55, tzinfo=UTC)
    assert seeding_line(SeedingChild(4711, 600.0, "/cache/seeding.log"), now) == (
        "process 4711 keeps seeding for 10 min, until 00:05:00 (log: /cache/seeding.log)\n  to stop it: kill 4711"
    )


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (ImageVerified("web.img", 2, Condition.MISSING), "MISSING web.img"),
        (ImageVerified("web.img", 2, Condition.NOT_FETCHED), "-       web.img (was not asked for)"),
        (MetadataVerified("a.txt", Condition.DIFFERS), "DIFFERS metadata/a.txt"),
        (Recorded(RELEASE, False), "web@2 is incomplete here, by the folder's record"),
        (LeftOver("x.iso", RELEASE), "EXTRA   x.iso (web@2 brought it; a fetch of all images removes it)"),
        (OthersFound(2, ("a", "b")), "2 files not of this demo: a, b"),
        (OthersFound(7, tuple("abcdefg")), "7 files not of this demo: a, b, c, d, e, ..."),
        (Troubled("damaged"), "note: damaged"),
    ],
)
def test_what_is_verified_is_a_line_for_people(event: VerifyEvent, text: str) -> None:
    assert verified_line(event) == text


@pytest.mark.parametrize(
    ("recorded", "found", "text"),
    [
        (Recorded(RELEASE, True), {Condition.MISSING}, "fetch it again, which brings what is missing"),
        (
            Recorded(RELEASE, True),
            {Condition.MISSING, Condition.DIFFERS},
            "fetch it again with --check, which brings anew what differs",
        ),
        (Recorded(RELEASE, False), {Condition.DIFFERS}, "the last fetch did not end: run it again, and then verify"),
        (
            Recorded(ReleaseName("web", "1"), True),
            {Condition.DIFFERS},
            "by its record the folder has web@1: verify that, or fetch web@2",
        ),
        (None, {Condition.MISSING}, "fetch it again, which brings what is missing"),
    ],
)
def test_what_is_advised_fits_what_was_found(recorded: Recorded | None, found: set[Condition], text: str) -> None:
    assert advice(RELEASE, found, recorded) == text


def test_names_cannot_command_the_terminal_on_which_they_are_verified(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    name = "\x9b31mweb.img"
    with verify_display(as_json=False) as display:
        display.report(Verifying(name, 1, 2))
        display.report(ImageVerified(name, 2, Condition.OK))
    shown = capsys.readouterr().out

    assert "ok      \\x9b31mweb.img" in shown
    assert "\x9b" not in shown
