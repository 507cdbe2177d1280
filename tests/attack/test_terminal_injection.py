"""A server, a writer to the store or another user puts control characters and line ends into what people read."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from dcdist.formats.signature import PublicKey
from dcdist.tasks import in_thread
from tests.support.commands import ROOT, dcdist
from tests.support.raw_http import serve_raw

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.commands import Demo
    from tests.support.raw_http import RawRequest

EVIL = "\x1b]0;owned\x07\x1b[31m\x9b2J\u202egpj.exe\u2028"
FORGED = "web@9 is complete"
INTO_THE_LOG = """
import sys
from pathlib import Path
from dcdist.cli.worker.seeding_log import SeedingLog
from dcdist.engine.fetch_events import Troubled
log = SeedingLog(Path(sys.argv[1]), "web@1")
log.open()
log.note_event(Troubled(f"store: 503 (X-Trans-Id {sys.argv[2]})"))
log.note(f"Traceback:\\n  File {sys.argv[2]}")
"""


def commands(text: str) -> set[str]:
    """The characters that a terminal would obey, or that would hide something from a reader."""
    return {letter for letter in text if not letter.isprintable() and letter != "\n"}


@pytest.mark.parametrize(
    "command", [["verify", "web@1", "--dest", "."], ["doctor", "--demo", "web@1"], ["fetch", "web@1"]]
)
async def test_headers_of_a_hostile_server_command_no_terminal(demo: Demo, tmp_path: Path, command: list[str]) -> None:
    async def refuse(request: RawRequest) -> None:
        await request.answer(403, X_Trans_Id=EVIL)

    log = tmp_path / "log"
    folders = ["--dest", tmp_path / "dest", "--cache", tmp_path / "cache", "--log-file", log]
    async with serve_raw(refuse) as url:
        more = [*folders, "--no-swarm"] if command[0] == "fetch" else []
        done = await in_thread(dcdist, *command, "--store", url, "--trust", demo.trust, *more)
    assert done.code != 0
    assert r"\x1b]0;owned\x07" in done.out + done.err
    assert commands(done.out + done.err) == set(), done
    if more:
        assert log.read_bytes().isascii()
        assert commands(log.read_text()) == set()


def poisoned(demo: Demo, store: Path, *, identity: bytes) -> None:
    """A copy of the store in which somebody put `web@9`, which names such a signer."""
    shutil.copytree(demo.folder / "store", store)
    own = PublicKey.from_pem(demo.trust.read_text()).identity.encode()
    manifest = (store / "releases" / "web" / "2").read_bytes()
    assert own in manifest
    assert len(identity) == len(own)
    (store / "releases" / "web" / "2").write_bytes(manifest.replace(own, identity))


@pytest.mark.parametrize("identity", [b"\nweb@9 is comple", b"\x1b]0;owned!\x07\x1b[2J\r"])
@pytest.mark.parametrize("command", ["fetch", "ls", "show"])
def test_the_name_of_a_signer_forges_no_line(demo: Demo, tmp_path: Path, identity: bytes, command: str) -> None:
    poisoned(demo, tmp_path / "store", identity=identity)
    asked: dict[str, list[object]] = {
        "fetch": ["fetch", "web", "--dest", tmp_path / "d", "--cache", tmp_path / "c", "--no-swarm"],
        "ls": ["ls"],
        "show": ["show", "web"],
    }
    done = dcdist(*asked[command], "--store", (tmp_path / "store").as_uri(), "--trust", demo.trust)
    assert commands(done.out + done.err) == set(), done
    assert [line for line in (done.out + done.err).splitlines() if line.startswith(FORGED[:15])] == []


def test_the_name_of_a_file_that_somebody_left_in_the_destination_forges_no_line(demo: Demo, tmp_path: Path) -> None:
    assert dcdist(*demo.fetch("web@1", tmp_path)).code == 0
    (tmp_path / "images" / f"{EVIL}\n{FORGED}").write_bytes(b"")
    done = dcdist(*(word for word in demo.verify("web@1", tmp_path) if word != "--json"))
    assert done.code == 0
    assert FORGED in done.out
    assert commands(done.out) == set()
    assert [line for line in done.out.splitlines() if line.startswith(FORGED)] == []


def test_json_for_programs_is_plain_text_whatever_it_says(demo: Demo, tmp_path: Path) -> None:
    assert dcdist(*demo.fetch("web@1", tmp_path)).code == 0
    name = f"{EVIL}\n{FORGED}"
    (tmp_path / "images" / name).write_bytes(b"")
    done = dcdist(*demo.verify("web@1", tmp_path))
    assert done.out.isascii()
    assert commands(done.out) == set()
    (others,) = (record for record in done.records if record["event"] == "others_found")
    assert others["paths"] == [name]


def test_what_a_user_mistyped_is_shown_without_its_control_characters(demo: Demo, tmp_path: Path) -> None:
    done = dcdist("show", "web", "--store", f"file://{tmp_path}/{EVIL}", "--trust", demo.trust)
    assert commands(done.err) == set()
    done = dcdist(f"sh{EVIL}ow")
    assert commands(done.err) == set()


def test_the_log_of_a_seeder_has_a_line_for_each_event_and_no_control_character(tmp_path: Path) -> None:
    words = f"{EVIL}\r\n{FORGED}"
    subprocess.run([sys.executable, "-c", INTO_THE_LOG, tmp_path, words], cwd=ROOT, check=True, timeout=60)
    written = (tmp_path / "seeding.log").read_text()
    assert commands(written) == set()
    assert r"\x1b]0;owned\x07" in written
    assert [line for line in written.splitlines() if line.startswith(FORGED)] == []


def test_the_file_of_events_has_a_line_for_each_event(demo: Demo, tmp_path: Path) -> None:
    poisoned(demo, tmp_path / "store", identity=b"\nweb@9 is comple")
    log = tmp_path / "log"
    arguments = ["--dest", tmp_path / "d", "--cache", tmp_path / "c", "--no-swarm", "--log-file", log]
    dcdist("fetch", "web", "--store", (tmp_path / "store").as_uri(), "--trust", demo.trust, *arguments)
    assert all(json.loads(line)["command"] == "fetch" for line in log.read_text().splitlines())
