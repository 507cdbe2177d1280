"""What a user sees of the destination: what it holds, what was replaced and removed, and who else writes there."""

from __future__ import annotations

import fcntl
import json
import os
import signal
from typing import TYPE_CHECKING, Any

from tests.support.commands import Demo, dcdist, running, wait_for

if TYPE_CHECKING:
    from pathlib import Path


def _fetch(demo: Demo, name: str, host: Path, *more: str) -> list[str | Path]:
    return demo.fetch(name, host, "--no-swarm", *more)


def _plain(arguments: list[str | Path]) -> list[str | Path]:
    return [word for word in arguments if word != "--json"]


def _release_of(host: Path) -> dict[str, Any]:
    record: dict[str, Any] = json.loads((host / "images" / ".dcdist-release").read_text())
    return dict(record["releases"]["web"])


def test_a_script_reads_from_the_record_which_release_is_there(demo: Demo, tmp_path: Path) -> None:
    dcdist(*_fetch(demo, "web@1", tmp_path))
    assert _release_of(tmp_path) == {"version": "1", "state": "complete", "images": ["db.img", "web.img"]}
    dcdist(*_fetch(demo, "web@2", tmp_path, "--metadata-only"))
    assert _release_of(tmp_path) == {"version": "2", "state": "complete", "images": ["db.img"]}


def test_what_happens_to_files_is_said_in_words_and_as_json(demo: Demo, tmp_path: Path) -> None:
    images = tmp_path / "images"
    images.mkdir()
    (images / "web.img").write_text("own")
    first = dcdist(*_fetch(demo, "web@1", tmp_path))
    replaced = [each for each in first.records if each["event"] == "file_replaced"]
    assert replaced == [{"event": "file_replaced", "path": "web.img", "reason": "no fetch on record had brought it"}]
    (images / "metadata" / "order.json").unlink()
    os.symlink("/etc/hostname", images / "metadata" / "order.json")
    again = dcdist(*_plain(_fetch(demo, "web@1", tmp_path)))
    assert "replaced metadata/order.json: it was a symbolic link to /etc/hostname" in again.out
    assert "image db.img is in place, not read again, 3.30 MB" in again.out
    checked = dcdist(*_plain(_fetch(demo, "web@1", tmp_path, "--check")))
    assert "image db.img is in place, read and intact, 3.30 MB" in checked.out


def test_a_folder_in_place_of_an_image_ends_with_the_code_of_a_disk_and_nothing_is_written(
    demo: Demo, tmp_path: Path
) -> None:
    (tmp_path / "images" / "web.img").mkdir(parents=True)
    done = dcdist(*_fetch(demo, "web@1", tmp_path))

    assert (done.code, done.last("error")["kind"]) == (6, "DiskError")
    assert "move it away, or choose another folder" in done.last("error")["message"]
    assert os.listdir(tmp_path / "images") == ["web.img"]


def test_a_second_command_waits_for_the_first_one_says_for_whom_and_can_be_ended(demo: Demo, tmp_path: Path) -> None:
    images = tmp_path / "images"
    images.mkdir()
    with (images / ".dcdist-lock").open("w") as lock:
        lock.write("4711 web@1\n")
        lock.flush()
        fcntl.flock(lock, fcntl.LOCK_EX)
        with running(*_fetch(demo, "web@1", tmp_path)) as ended:
            waiting = wait_for(ended, "waiting")
            ended.send_signal(signal.SIGINT)
            ended.communicate(timeout=30)
        held = os.listdir(images)
        with running(*_fetch(demo, "web@1", tmp_path)) as patient:
            wait_for(patient, "waiting")
            lock.close()
            wait_for(patient, "fetched")
            assert patient.wait(60) == 0

    assert (waiting["layer"], ended.returncode) == ("", 130)
    assert waiting["reason"].startswith(f"process 4711, which fetches web@1, is writing to {images}")
    assert held == [".dcdist-lock"]
    assert sorted(os.listdir(images)) == [".dcdist-release", "db.img", "metadata", "web.img"]


def test_verify_knows_what_was_asked_for_and_names_what_else_is_there(demo: Demo, tmp_path: Path) -> None:
    images = tmp_path / "images"
    dcdist(*_fetch(demo, "web@1", tmp_path, "--image", "web.img"))
    (images / "own.txt").write_text("a stranger's")
    record = json.loads((images / ".dcdist-release").read_text())
    # As if an earlier release had brought it, and a fetch of some images left it.
    (images / "old.iso").write_bytes(b"")
    record["files"]["old.iso"] = {**record["files"]["web.img"], "releases": ["web@0"]}
    (images / ".dcdist-release").write_text(json.dumps(record))
    done = dcdist(*demo.verify("web@1", tmp_path))

    events = [each for each in done.records if each["event"] not in {"verifying", "metadata_verified"}]
    assert events == [
        {"event": "recorded", "release": "web@1", "complete": True},
        {"event": "image_verified", "name": "web.img", "size": 1_300_000, "condition": "ok"},
        {"event": "image_verified", "name": "db.img", "size": 3_300_000, "condition": "not_fetched"},
        {"event": "left_over", "path": "old.iso", "brought_by": "web@0"},
        {"event": "others_found", "count": 1, "paths": ["own.txt"]},
        {"event": "verified", "release": "web@1", "files": 3},
    ]
    other = dcdist(*_plain(list(demo.verify("web@2", tmp_path))))
    assert other.code == 4
    assert "web@1 is complete here, by the folder's record" in other.out
    assert (
        f"2 of 4 files of web@2 in {images} are not as published: web.img differs, db.img is missing; "
        "by its record the folder has web@1: verify that, or fetch web@2" in other.err
    )


def test_verify_goes_on_without_a_record_that_it_can_read(demo: Demo, tmp_path: Path) -> None:
    dcdist(*_fetch(demo, "web@1", tmp_path))
    (tmp_path / "images" / ".dcdist-release").write_bytes(b"{")
    done = dcdist(*demo.verify("web@1", tmp_path))

    assert done.code == 0
    assert "is damaged" in done.records[0]["message"]
