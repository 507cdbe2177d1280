"""The lines of `--log-file`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dcdist.cli.event_log import EventLog, logging_events
from dcdist.errors import DiskError, StoreDeniedError


def test_each_event_is_one_line_with_its_time_process_and_command(tmp_path: Path) -> None:
    for event in ("one", "two"):
        log = EventLog(tmp_path / "log", "fetch", "web@1")
        log.note({"event": event, "source": "10.0.0.5:6881"})
        log.close()
        log.note({"event": "too late"})

    first, second = (json.loads(line) for line in (tmp_path / "log").read_text().splitlines())
    assert (first["event"], second["event"]) == ("one", "two")
    assert (first["command"], first["release"], first["source"]) == ("fetch", "web@1", "10.0.0.5:6881")
    assert first["time"].endswith("+00:00")


def test_progress_is_logged_every_ten_seconds(tmp_path: Path) -> None:
    times = iter((1.0, 5.0, 10.9, 11.0, 12.0))
    log = EventLog(tmp_path / "log", "fetch", "web@1", clock=lambda: next(times))
    for _ in range(5):
        log.note({"event": "progress"})
        log.note({"event": "troubled"})
    log.close()

    events = [json.loads(line)["event"] for line in (tmp_path / "log").read_text().splitlines()]
    assert (events.count("progress"), events.count("troubled")) == (2, 5)


def test_a_command_that_fails_leaves_the_reason_in_its_log(tmp_path: Path) -> None:
    with (
        pytest.raises(StoreDeniedError),
        logging_events(tmp_path / "log", "publish", "web@1"),
    ):
        raise StoreDeniedError("not allowed", store="swift://demos", key="layers/1")

    error, ended = (json.loads(line) for line in (tmp_path / "log").read_text().splitlines())
    assert (error["kind"], error["store"], error["exit_code"]) == ("StoreDeniedError", "swift://demos", 3)
    assert ended["event"] == "ended"


def test_without_a_file_nothing_is_written(tmp_path: Path) -> None:
    with logging_events(None, "seed", "web@1") as log:
        log.note({"event": "one"})
    assert list(tmp_path.iterdir()) == []


def test_a_log_that_cannot_be_opened_is_named_before_anything_is_done(tmp_path: Path) -> None:
    with pytest.raises(DiskError, match="--log-file") as caught:
        EventLog(tmp_path / "none" / "log", "fetch", "web@1")
    assert caught.value.path == str(tmp_path / "none" / "log")


def test_a_log_that_is_full_ends_no_command_and_says_so_once(capsys: pytest.CaptureFixture[str]) -> None:
    with logging_events(Path("/dev/full"), "fetch", "web@1") as log:
        log.note({"event": "one"})
        log.note({"event": "two"})
    assert capsys.readouterr().err.count("cannot write the log /dev/full; logging stopped: No space left") == 1
