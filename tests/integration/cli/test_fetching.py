"""fetch, seed and verify, as processes on a store in a directory."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
from typing import TYPE_CHECKING

import pytest

from tests.support.commands import ROOT, dcdist, is_alive, running, wait_for, wait_for_end

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.commands import Demo

LAYERS = 4_000_000
"""Bytes of the layers of a release, without a little."""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _has_images(demo: Demo, release: str, host: Path) -> bool:
    return all((host / "images" / name).read_bytes() == content for name, content in demo.images[release].items())


def test_a_release_comes_whole_and_an_update_moves_what_is_new(demo: Demo, tmp_path: Path) -> None:
    first = dcdist(*demo.fetch("web@1", tmp_path))
    assert _has_images(demo, "web@1", tmp_path)
    update = dcdist(*demo.fetch("web", tmp_path))

    assert _has_images(demo, "web@2", tmp_path)
    assert (tmp_path / "images" / "metadata" / "net" / "plan.txt").read_text() == "vlan 7"
    assert os.access(tmp_path / "images" / "metadata" / "net" / "plan.txt", os.X_OK)
    assert not os.access(tmp_path / "images" / "metadata" / "order.json", os.X_OK)
    fetched = first.last("fetched")
    assert list(fetched) == [
        "event", "release", "seconds", "bytes", "peers_seen", "members", "listening", "advertised",
    ]  # fmt: skip
    assert list(fetched["bytes"]) == ["images", "store", "peers", "reused", "wasted", "given"]
    assert (fetched["release"], fetched["peers_seen"], fetched["bytes"]["peers"]) == ("web@1", 0, 0)
    assert LAYERS < fetched["bytes"]["store"] < LAYERS + 10_000
    assert update.last("fetched")["release"] == "web@2"
    assert 1_000_000 < update.last("fetched")["bytes"]["store"] < 1_010_000


def test_what_is_there_is_not_fetched_again(demo: Demo, tmp_path: Path) -> None:
    dcdist(*demo.fetch("web@1", tmp_path))
    again = dcdist(*demo.fetch("web@1", tmp_path))
    assert again.last("fetched")["bytes"]["store"] == 0


def test_one_image_or_metadata_only(demo: Demo, tmp_path: Path) -> None:
    assert dcdist(*demo.fetch("web@1", tmp_path, "--metadata-only")).code == 0
    assert sorted(os.listdir(tmp_path / "images")) == [".dcdist-release", "metadata"]
    assert dcdist(*demo.fetch("web@1", tmp_path, "--image", "db.img")).code == 0
    found = dcdist(*demo.fetch("web@1", tmp_path, "--image", "db.img")).records[1]
    assert (found["images"], found["image_bytes"]) == (1, 3_300_000)
    assert (found["release_images"], found["release_image_bytes"]) == (2, 4_600_000)
    assert {"db.img", "metadata"} == {name for name in os.listdir(tmp_path / "images") if not name.startswith(".")}
    missing = dcdist(*demo.fetch("web@1", tmp_path, "--image", "no.img"))
    assert (missing.code, missing.last("error")["kind"]) == (2, "UsageError")


def test_plain_lines_are_for_logs(demo: Demo, tmp_path: Path) -> None:
    arguments = [word for word in demo.fetch("web@1", tmp_path) if word != "--json"]
    done = dcdist(*arguments)
    assert "web@1: 2 images, 4.60 MB" in done.out
    assert "image web.img is complete, 1.30 MB" in done.out
    assert "web@1 is complete after" in done.out
    assert done.err == ""


@pytest.mark.parametrize(
    ("change", "code", "kind"),
    [
        ({"wanted": "web@9"}, 8, "ReleaseMissingError"),
        ({"wanted": "none"}, 8, "ReleaseMissingError"),
        ({"trust": "other"}, 4, "SignatureError"),
        ({"trust": "garbage"}, 5, "FormatError"),
        ({"dest": "/proc/images"}, 6, "DiskError"),
        ({"cache": "/proc/cache"}, 6, "DiskError"),
        ({"store": "ftp://x"}, 2, "UsageError"),
        ({"store": "swift://x"}, 2, "UsageError"),
        ({"listen": "192.0.2.1:0"}, 7, "SwarmError"),
    ],
)
def test_what_a_user_can_cause_ends_in_a_message_and_a_code(
    demo: Demo, tmp_path: Path, change: dict[str, str], code: int, kind: str
) -> None:
    assert dcdist("keygen", "--out", tmp_path / "other").code == 0
    (tmp_path / "garbage").write_text("no key")
    trust = {"other": tmp_path / "other" / "publisher.pub", "garbage": tmp_path / "garbage"}
    done = dcdist(
        "fetch", change.get("wanted", "web@1"), "--store", change.get("store", demo.store),
        "--trust", trust.get(change.get("trust", ""), demo.trust), "--dest", change.get("dest", tmp_path / "images"),
        "--cache", change.get("cache", tmp_path / "cache"), "--json", "--seed-for", "0",
        *(["--listen", change["listen"]] if "listen" in change else ["--no-swarm"]),
    )  # fmt: skip
    error = done.last("error")
    assert (done.code, error["kind"], error["exit_code"]) == (code, kind, code), done
    assert done.err == ""
    assert "Traceback" not in done.out


def test_a_store_that_was_set_back_is_noticed(demo: Demo, tmp_path: Path) -> None:
    store = tmp_path / "store"
    shutil.copytree(demo.folder / "store", store)
    rest = ["--store", store.as_uri(), "--trust", demo.trust, "--dest", tmp_path / "images", "--cache"]
    fetch = ["fetch", "web", *rest, tmp_path / "cache", "--no-swarm", "--json"]
    assert dcdist(*fetch).last("fetched")["release"] == "web@2"
    (store / "releases" / "web" / "2").unlink()

    set_back = dcdist(*fetch)
    named = dcdist("fetch", "web@1", *fetch[2:])

    assert (set_back.code, set_back.last("error")["kind"]) == (4, "RollbackError")
    assert named.last("fetched")["release"] == "web@1"


def test_verify_finds_what_differs_and_what_is_missing(demo: Demo, tmp_path: Path) -> None:
    dcdist(*demo.fetch("web@1", tmp_path))
    good = dcdist(*demo.verify("web@1", tmp_path))
    with (tmp_path / "images" / "web.img").open("r+b") as file:
        file.seek(900_000)
        file.write(b"!")
    (tmp_path / "images" / "db.img").unlink()
    bad = dcdist(*demo.verify("web@1", tmp_path))

    assert good.last("verified") == {"event": "verified", "release": "web@1", "files": 4}
    conditions = {each["name"]: each["condition"] for each in bad.records if each["event"] == "image_verified"}
    assert conditions == {"web.img": "differs", "db.img": "missing"}
    assert (bad.code, bad.last("error")["kind"]) == (4, "IntegrityError")


def test_without_seeding_nothing_goes_on(demo: Demo, tmp_path: Path) -> None:
    with running(*demo.fetch("web@1", tmp_path, "--listen", "127.0.0.1:0", "--seed-for", "0")) as fetch:
        wait_for(fetch, "metadata_written")
        child = _child_of(fetch.pid)
        assert fetch.wait(30) == 0
        assert not is_alive(child)


def _child_of(pid: int) -> int:
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return int(file.read().split()[0])


@pytest.fixture
def seeding(demo: Demo, tmp_path: Path) -> Iterator[tuple[int, int]]:
    """A host that has fetched `web@1` and goes on seeding: its process and port. Ended when the test is over."""
    port = _free_port()
    host = tmp_path / "seeding"
    done = dcdist(*demo.fetch("web@1", host, "--listen", f"127.0.0.1:{port}", "--seed-for", "10m"))
    assert done.code == 0, done
    seeding, fetched = done.records[-2:]
    assert (seeding["event"], seeding["seconds"], fetched["event"]) == ("seeding", 600.0, "fetched")
    pid = int(seeding["pid"])
    assert is_alive(pid)
    yield pid, port
    os.kill(pid, signal.SIGTERM)
    wait_for_end(pid)
    log = (host / "cache" / "seeding.log").read_text().splitlines()
    told = [line.partition(str(pid))[2].strip() for line in log if "goes on as root: " not in line]
    assert (told[0], len(told)) == ("seeding web@1 for 10 min", 2)
    assert re.fullmatch(r"seeding web@1 ended: .+ given to others", told[1])


def test_a_host_that_seeds_gives_everything(demo: Demo, tmp_path: Path, seeding: tuple[int, int]) -> None:
    _, port = seeding
    host = tmp_path / "other"
    done = dcdist(*demo.fetch("web@1", host, "--no-store", "--peer", f"127.0.0.1:{port}", "--seed-for", "0"))

    fetched = done.last("fetched")
    assert _has_images(demo, "web@1", host)
    assert fetched["bytes"]["store"] == 0
    assert fetched["bytes"]["peers"] >= LAYERS
    assert fetched["peers_seen"] == 1


def test_hosts_find_each_other_through_the_store(demo: Demo, tmp_path: Path, seeding: tuple[int, int]) -> None:
    host = tmp_path / "other"
    done = dcdist(*demo.fetch("web@1", host, "--no-store", "--listen", "127.0.0.1:0", "--seed-for", "0"))
    assert done.last("fetched")["peers_seen"] == 1
    assert _has_images(demo, "web@1", host)


def test_a_fetch_works_while_the_last_one_seeds_from_the_same_cache(
    demo: Demo, tmp_path: Path, seeding: tuple[int, int]
) -> None:
    host = tmp_path / "seeding"
    done = dcdist(*demo.fetch("web@2", host, "--listen", "127.0.0.1:0", "--seed-for", "0"))
    assert done.last("fetched")["release"] == "web@2"
    assert _has_images(demo, "web@2", host)


def test_a_port_that_a_seeding_process_holds_is_named(demo: Demo, tmp_path: Path, seeding: tuple[int, int]) -> None:
    _, port = seeding
    done = dcdist(*demo.fetch("web@1", tmp_path / "other", "--listen", f"127.0.0.1:{port}"))
    assert (done.code, done.last("error")["kind"]) == (7, "SwarmError")
    assert f"port {port}" in done.records[-1]["message"]
    assert "still be seeding" in done.records[-1]["message"]


def test_a_seeder_gives_until_it_is_told_to_end(demo: Demo, tmp_path: Path) -> None:
    port = _free_port()
    arguments = ["--store", demo.store, "--trust", demo.trust, "--cache", tmp_path / "cache", "--json"]
    with running("seed", "web@1", *arguments, "--listen", f"127.0.0.1:{port}") as seeder:
        wait_for(seeder, "seeding")
        host = tmp_path / "host"
        done = dcdist(*demo.fetch("web@1", host, "--no-store", "--peer", f"127.0.0.1:{port}", "--seed-for", "0"))
        assert done.last("fetched")["bytes"]["peers"] >= LAYERS
        seeder.send_signal(signal.SIGINT)
        out, errors = seeder.communicate(timeout=30)
        assert (seeder.returncode, errors) == (0, "")
        seeded = json.loads(out.splitlines()[-1])
        assert seeded["given"] >= LAYERS
        assert seeded == {"event": "seeded", "release": "web@1", "given": seeded["given"]}


# Ends before the end: fetches that are slow enough to be interrupted in the middle.


def _slow(demo: Demo, host: Path) -> list[str | Path]:
    return demo.fetch("web@1", host, "--store-rate", "1MB")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_a_fetch_cleanly_and_keeps_what_came(
    demo: Demo, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    with running(*_slow(demo, tmp_path)) as fetch:
        child = _wait_for_bytes(fetch)
        fetch.send_signal(number)
        out, errors = fetch.communicate(timeout=30)

    assert fetch.returncode == code
    assert json.loads(out.splitlines()[-1])["exit_code"] == code
    assert "what was fetched is kept" in errors
    assert not is_alive(child)
    # On a busy host the signal may come after the first image: what has its name is whole.
    images = {path.name: path.read_bytes() for path in (tmp_path / "images").glob("*.img")}
    assert images.items() <= demo.images["web@1"].items()
    assert len(images) < 2
    resumed = dcdist(*demo.fetch("web@1", tmp_path)).last("fetched")
    assert resumed["bytes"]["reused"] > 0
    assert resumed["bytes"]["reused"] + resumed["bytes"]["store"] < LAYERS + 10_000


def test_a_second_signal_kills_a_child_that_does_not_end(demo: Demo, tmp_path: Path) -> None:
    with running(*_slow(demo, tmp_path), "--log-file", tmp_path / "log") as fetch:
        child = _wait_for_bytes(fetch)
        os.kill(child, signal.SIGSTOP)
        assert fetch.stderr is not None
        fetch.send_signal(signal.SIGINT)
        # An empty line, then the words: the first signal was heeded.
        assert [fetch.stderr.readline(), "what was fetched is kept" in fetch.stderr.readline()] == ["\n", True]
        fetch.send_signal(signal.SIGINT)
        assert fetch.wait(30) == 130
        assert not is_alive(child)
    assert _end_of_log(tmp_path / "log") == [("error", "Interrupted"), ("ended", None)]


def test_when_the_command_is_killed_its_child_ends(demo: Demo, tmp_path: Path) -> None:
    with running(*_slow(demo, tmp_path)) as fetch:
        child = _wait_for_bytes(fetch)
        fetch.kill()
        wait_for_end(child)
    assert dcdist(*demo.fetch("web@1", tmp_path)).last("fetched")["bytes"]["reused"] > 0


def test_when_the_child_is_killed_the_command_says_so(demo: Demo, tmp_path: Path) -> None:
    with running(*_slow(demo, tmp_path), "--log-file", tmp_path / "log") as fetch:
        os.kill(_wait_for_bytes(fetch), signal.SIGKILL)
        out, errors = fetch.communicate(timeout=30)
    error = json.loads(out.splitlines()[-1])
    assert (fetch.returncode, error["kind"], errors) == (9, "FetchFailedError", "")
    assert "killed by SIGKILL" in error["message"]
    assert _end_of_log(tmp_path / "log") == [("error", "FetchFailedError"), ("ended", None)]
    assert dcdist(*demo.fetch("web@1", tmp_path)).code == 0


def _end_of_log(path: Path) -> list[tuple[str, str | None]]:
    """The last two events, with their kind of fault."""
    records = [json.loads(line) for line in path.read_text().splitlines()]
    return [(record["event"], record.get("kind")) for record in records[-2:]]


def test_when_nobody_reads_any_more_the_fetch_ends(demo: Demo, tmp_path: Path) -> None:
    with running(*_slow(demo, tmp_path)) as fetch:
        child = _wait_for_bytes(fetch)
        assert fetch.stdout is not None
        fetch.stdout.close()
        assert fetch.wait(30) == 141
        assert fetch.stderr is not None
        assert fetch.stderr.read() == ""
        assert not is_alive(child)


def _wait_for_bytes(fetch: subprocess.Popen[str]) -> int:
    """Wait until a piece is in the cache; the process that does the work."""
    while wait_for(fetch, "progress")["layer_bytes"] == 0:
        pass
    return _child_of(fetch.pid)


def test_a_bug_is_reported_as_one_with_its_traceback_only_on_request(demo: Demo, tmp_path: Path) -> None:
    # A dcdist whose index format is broken.
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "sitecustomize.py").write_text(
        "import dcdist.formats.index as index\ndef decode(*_): raise KeyError('lost')\nindex.decode = decode\n"
    )
    fetch = demo.fetch("web@1", tmp_path / "host")
    environment = {"PYTHONPATH": f"{broken}:{ROOT}"}

    quiet = dcdist(*fetch, environment=environment)
    loud = dcdist(*[word for word in fetch if word != "--json"], "--debug", environment=environment)

    assert quiet.code == loud.code == 1
    assert "this is a bug in dcdist: KeyError: 'lost'" in quiet.last("error")["message"]
    assert "Traceback" not in quiet.out + quiet.err
    assert "Traceback (most recent call last)" in loud.err
