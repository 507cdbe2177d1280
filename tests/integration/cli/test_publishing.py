"""keygen, publish, ls and show, as processes on a store in a directory."""

from __future__ import annotations

import json
import os
import signal
import stat
from typing import TYPE_CHECKING

from tests.support.commands import dcdist, image_bytes, running, wait_for
from tests.support.xva import Disk, xva

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.commands import Demo

IMAGES = 4_600_000


def test_a_key_is_secret_and_never_overwritten(tmp_path: Path) -> None:
    made = dcdist("keygen", "--out", tmp_path / "keys", "--json")
    key = tmp_path / "keys" / "publisher.key"
    before = key.read_bytes()
    again = dcdist("keygen", "--out", tmp_path / "keys", "--json")

    assert made.code == 0
    assert made.last("keys")["key"] == str(key)
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert (again.code, again.last("error")["kind"]) == (2, "UsageError")
    assert key.read_bytes() == before


def test_ls_tells_the_releases_and_what_each_added(demo: Demo) -> None:
    done = dcdist("ls", "--store", demo.store, "--json")

    first, second = done.records
    assert (first["release"], first["serial"], first["images"]) == ("web@1", 1, 2)
    assert (second["release"], second["serial"], second["images"]) == ("web@2", 2, 2)
    assert first["bytes"]["images"] == second["bytes"]["images"] == IMAGES
    assert 4_000_000 < first["bytes"]["new"] < 4_010_000
    assert 1_000_000 < second["bytes"]["new"] < 1_010_000
    assert first["bytes"]["new"] == first["bytes"]["layers"]


def test_ls_is_a_table_for_people(demo: Demo) -> None:
    lines = dcdist("ls", "web", "--store", demo.store).out.splitlines()
    assert " ".join(lines[0].split()) == "RELEASE SERIAL PUBLISHED (UTC) IMAGES IMAGE BYTES LAYER BYTES NEW"
    assert lines[1].startswith("web@1")
    assert lines[2].endswith("1.00 MB")
    assert "not checked" in lines[3]


def test_an_empty_store_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    done = dcdist("ls", "--store", (tmp_path / "store").as_uri())
    assert (done.code, done.out) == (0, f"{(tmp_path / 'store').as_uri()} has no release\n")


def test_a_store_or_a_demo_that_is_not_there_is_an_error_that_says_which(demo: Demo, tmp_path: Path) -> None:
    absent = (tmp_path / "store").as_uri()
    for arguments in (["ls"], ["ls", "web"], ["show", "web"], ["show", "web@1"], demo.fetch("web", tmp_path)[:2]):
        more = ["--trust", demo.trust, "--dest", tmp_path, "--cache", tmp_path] if arguments[0] == "fetch" else []
        done = dcdist(*arguments, "--store", absent, *more, "--json")
        assert (done.code, done.last("error")["kind"]) == (3, "StoreMissingError")
        assert f"{absent} does not exist" in done.records[-1]["message"]

    nope = dcdist("ls", "nope", "--store", demo.store, "--json")
    assert (nope.code, nope.last("error")["kind"], nope.records[-1]["release"]) == (8, "ReleaseMissingError", "nope")
    assert f"dcdist: {demo.store} has no release of nope" in dcdist("ls", "nope", "--store", demo.store).err


def test_ls_and_show_mark_what_no_given_key_signed(demo: Demo, tmp_path: Path) -> None:
    assert dcdist("keygen", "--out", tmp_path / "keys").code == 0
    stranger = tmp_path / "keys" / "publisher.pub"
    where = ["--store", demo.store, "--trust"]

    listed = dcdist("ls", "web", *where, stranger, "--json").records
    assert [each["trusted"] for each in listed] == [False, False]
    assert dcdist("show", "web", *where, demo.trust, "--json").last("release")["trusted"] is True
    assert "trusted" not in dcdist("show", "web", "--store", demo.store, "--json").last("release")
    lines = dcdist("ls", "web", *where, demo.trust).out.splitlines()
    assert lines[0].endswith("  TRUSTED")
    assert [line.split()[-1] for line in lines[1:]] == ["yes", "yes"]
    assert "NOT signed by a trusted key" in dcdist("show", "web", *where, stranger).out


def test_another_key_publishes_to_a_demo_only_if_that_is_meant_and_a_fetch_names_what_it_passes_over(
    demo: Demo, tmp_path: Path
) -> None:
    (tmp_path / "a.img").write_bytes(b"a" * 1000)
    store = (tmp_path / "store").as_uri()
    log = tmp_path / "log"
    assert dcdist("keygen", "--out", tmp_path / "keys").code == 0
    other = ["--key", tmp_path / "keys" / "publisher.key"]
    assert dcdist("publish", "a@1", tmp_path / "a.img", "--store", store, "--key", demo.key).code == 0

    refused = dcdist("publish", "a@2", tmp_path / "a.img", "--store", store, *other, "--json")
    meant = dcdist("publish", "a@2", tmp_path / "a.img", "--store", store, *other, "--other-signer", "--json")
    assert (refused.code, refused.last("error")["kind"]) == (2, "UsageError")
    assert "--other-signer" in refused.records[-1]["message"]
    assert (meant.code, meant.last("published")["serial"], meant.last("published")["new_line"]) == (0, 1, True)

    host = ["--trust", demo.trust, "--dest", tmp_path / "images", "--cache", tmp_path / "cache", "--no-swarm"]
    fetched = dcdist("fetch", "a", "--store", store, *host, "--log-file", log, "--json")
    assert fetched.last("fetched")["release"] == "a@1"
    (note,) = [each for each in fetched.records if each["event"] == "troubled"]
    assert (note["kind"], note["source"]) == ("passed_over", f"{store}/releases/a/2")
    assert note["message"].startswith("a@2 is passed over for a@1 (serial 1): ")
    assert note["message"] in [json.loads(line).get("message") for line in log.read_text().splitlines()]
    assert "note: a@2 is passed over" in dcdist("fetch", "a", "--store", store, *host).out


def test_a_web_server_is_read_only_which_publish_says_before_it_asks(demo: Demo, tmp_path: Path) -> None:
    (tmp_path / "a.img").write_bytes(b"a")
    # Nobody listens at port 9: a request would be tried for a minute.
    done = dcdist("publish", "a@1", tmp_path / "a.img", "--store", "http://127.0.0.1:9/x", "--key", demo.key, "--json")
    assert (done.code, done.last("error")["kind"]) == (3, "StoreDeniedError")
    assert "http://127.0.0.1:9/x is read-only" in done.records[0]["message"]


def test_show_tells_what_a_release_is_made_of(demo: Demo) -> None:
    done = dcdist("show", "web", "--store", demo.store, "--json")

    shown = done.last("release")
    assert (shown["release"], shown["latest"], shown["previous"]) == ("web@2", True, "web@1")
    assert [image["name"] for image in shown["images"]] == ["web.img", "db.img"]
    assert [file["path"] for file in shown["metadata"]] == ["net/plan.txt", "order.json"]
    assert [layer["new"] for layer in shown["layers"]].count(True) == 1
    text = dcdist("show", "web@1", "--store", demo.store).out
    assert f"web@1: serial 1 of line {shown['line']}, published" in text
    assert "a host moves 4.00 MB" in text


def test_an_image_comes_from_standard_input_and_is_verified(demo: Demo, tmp_path: Path) -> None:
    image = xva(Disk("Ref:9", bytes(8192) + image_bytes(4, 20_000)))
    store = (tmp_path / "store").as_uri()
    arguments = ["--store", store, "--key", demo.key, "--level", "1", "--json"]

    good = dcdist("publish", "piped@1", "-", *arguments, stdin=image)
    cut_short = dcdist("publish", "piped@2", "-", *arguments, stdin=image[:-30_000])

    assert good.last("published")["images"] == [{"name": "piped.xva", "bytes": len(image)}]
    assert (cut_short.code, cut_short.last("error")["kind"]) == (5, "XvaError")
    assert cut_short.records[-1]["member"]
    assert [each["release"] for each in dcdist("ls", "--store", store, "--json").records] == ["piped@1"]


def test_an_empty_pipe_publishes_nothing_unless_that_is_meant(demo: Demo, tmp_path: Path) -> None:
    folder = tmp_path / "store"
    folder.mkdir()
    store = folder.as_uri()
    arguments = ["--store", store, "--key", demo.key, "--stdin-name", "web.img", "--json"]

    refused = dcdist("publish", "piped@1", "-", *arguments, stdin=b"")
    listed = dcdist("ls", "--store", store, "--json").records
    meant = dcdist("publish", "piped@1", "-", *arguments, "--allow-empty", stdin=b"")

    assert (refused.code, refused.last("error")["kind"], listed) == (5, "FormatError", [])
    assert "Did the command before the pipe fail?" in str(refused.last("error")["message"])
    assert meant.last("published")["images"] == [{"name": "web.img", "bytes": 0}]


def test_the_same_files_again_succeed_and_others_are_refused(demo: Demo) -> None:
    files = [demo.folder / "web@1" / name for name in ("web.img", "db.img")]
    arguments = ["--store", demo.store, "--key", demo.key, "--metadata", demo.folder / "metadata", "--json"]

    again = dcdist("publish", "web@1", *files, *arguments)
    other = dcdist("publish", "web@1", *reversed(files), *arguments)

    assert again.last("published")["existed"] is True
    assert (other.code, other.last("error")["kind"]) == (8, "ReleaseExistsError")


def test_a_file_that_is_missing_is_named(demo: Demo, tmp_path: Path) -> None:
    done = dcdist("publish", "web@3", tmp_path / "no.xva", "--store", demo.store, "--key", demo.key)
    assert done.code == 2
    assert "no.xva cannot be read: No such file" in done.err
    assert "Traceback" not in done.err


def test_an_interrupted_publish_leaves_nothing_to_see(demo: Demo, tmp_path: Path) -> None:
    store = (tmp_path / "store").as_uri()
    pipe = tmp_path / "pipe.img"
    os.mkfifo(pipe)
    command = ["publish", "web@1", pipe, "--store", store, "--key", demo.key, "--json"]
    with running(*command) as publish, pipe.open("wb") as image:
        image.write(bytes(300_000))
        image.flush()
        wait_for(publish, "image_started")
        publish.send_signal(signal.SIGINT)
        out, errors = publish.communicate(timeout=30)
    assert (publish.returncode, errors) == (130, "")
    assert json.loads(out.splitlines()[-1])["kind"] == "Interrupted"
    assert dcdist("ls", "--store", store, "--json").out == ""


def test_a_public_key_cannot_sign(demo: Demo, tmp_path: Path) -> None:
    done = dcdist("publish", "web@3", tmp_path, "--store", demo.store, "--key", demo.trust)
    assert done.code == 5
    assert "a public key, not a private one" in done.err
