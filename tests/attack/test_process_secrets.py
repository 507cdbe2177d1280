"""Another user of the host looks for passwords: in `ps`, in `/proc`, in what a crash leaves."""

from __future__ import annotations

import asyncio
import ctypes
import os
import resource
import signal
import subprocess
import sys
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dcdist.cli.own_process import erase_variables, leave_no_core, rewrite_arguments
from dcdist.tasks import in_thread
from tests.support.commands import ROOT, dcdist, is_alive, wait_for_end
from tests.support.http_server import serve_directory
from tests.support.other_user import do_as_nobody, needs_another_user, run_as_nobody
from tests.support.raw_http import serve_raw

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.support.commands import Demo
    from tests.support.raw_http import RawRequest

SECRETS = {
    "ST_AUTH": "https://bob:PASSWORD-1@swift.example.com/auth/v1.0",
    "ST_USER": "demo:USER-2",
    "ST_KEY": "KEY-3",
    "OS_PASSWORD": "PASSWORD-4",
    "BACKUP_TOKEN": "TOKEN-5",
    "https_proxy": "http://eve:PASSWORD-6@proxy.example.com:3128",
    "DCDIST_STORE": "http://alice:PASSWORD-7@store.example.com/",
}
WORDS = [*(f"PASSWORD-{number}" for number in (1, 4, 6, 7)), "USER-2", "KEY-3", "TOKEN-5"]


def shown(pid: int, file: str) -> str:
    return Path(f"/proc/{pid}/{file}").read_text(errors="replace")


def found(pid: int, file: str) -> list[str]:
    """The secrets that a file of /proc shows."""
    return [word for word in WORDS if word in shown(pid, file)]


def arguments(pid: int) -> list[str]:
    return shown(pid, "cmdline").rstrip("\0").split("\0")


def children(pid: int) -> list[int]:
    return [int(child) for child in shown(pid, f"task/{pid}/children").split()]


@contextmanager
def begun(*words: object, variables: dict[str, str], cwd: Path = ROOT) -> Iterator[subprocess.Popen[str]]:
    """A command under way, with these variables besides."""
    with subprocess.Popen(
        [sys.executable, "-m", "dcdist", *map(str, words)],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@asynccontextmanager
async def silent_server() -> AsyncIterator[tuple[str, asyncio.Event]]:
    """The URL of a server that never answers, and an event: it was asked."""
    asked = asyncio.Event()

    async def never(_: RawRequest) -> None:
        asked.set()
        await asyncio.Event().wait()

    async with serve_raw(never) as url:
        yield url, asked


async def test_neither_a_command_nor_its_process_shows_a_secret_while_it_works(demo: Demo, tmp_path: Path) -> None:
    async with silent_server() as (url, asked):
        store = url.replace("//", "//alice:PASSWORD-7@") + "/demos"
        words = ["fetch", "web@1", f"--store={store}", "--trust", demo.trust, "--dest", tmp_path, "--cache", tmp_path]
        # A proxy would be asked in place of the server.
        variables = {name: value for name, value in SECRETS.items() if name != "https_proxy"}
        with begun(*words, "--no-swarm", variables=variables) as command:
            await asyncio.wait_for(asked.wait(), 60)
            (child,) = children(command.pid)
            for pid in (command.pid, child):
                assert found(pid, "cmdline") == []
                assert found(pid, "environ") == []
                assert f"--store={url.replace('//', '//...@')}/demos" in arguments(pid)
                assert "NoNewPrivs:\t1" in shown(pid, "status")
            assert "PATH=" in shown(child, "environ")


async def test_what_goes_on_seeding_shows_what_it_seeds_and_no_secret(demo: Demo, tmp_path: Path) -> None:
    async with serve_directory(demo.folder / "store") as url:
        store = url.replace("http://", "http://alice:PASSWORD-7@")
        command = demo.fetch("web@1", tmp_path, "--listen", "127.0.0.1:0", "--seed-for", "60s", "--store", store)
        done = await in_thread(lambda: dcdist(*command, environment=SECRETS))
    assert done.code == 0, done
    pid = done.records[-2]["pid"]
    try:
        assert (found(pid, "cmdline"), found(pid, "environ")) == ([], [])
        assert arguments(pid) == ["dcdist: seeding web@1"]
    finally:
        os.kill(pid, signal.SIGTERM)
        wait_for_end(pid)
    assert not is_alive(pid)


@needs_another_user
async def test_another_user_sees_no_password_in_the_list_of_processes() -> None:
    async with silent_server() as (url, asked):
        store = url.replace("//", "//alice:PASSWORD-7@")
        with begun("doctor", "--store", store, variables={}) as command:
            await asyncio.wait_for(asked.wait(), 60)
            seen = await in_thread(run_as_nobody, ["cat", f"/proc/{command.pid}/cmdline"])
    assert "PASSWORD-7" not in seen.stdout
    assert "//...@127.0.0.1" in seen.stdout


def test_a_password_on_the_command_line_is_warned_of_once_and_one_in_a_variable_is_not() -> None:
    store = "http://alice:PASSWORD-7@127.0.0.1:1/"
    given = dcdist("ls", "--store", store)
    warned = [line for line in given.err.splitlines() if "password" in line]
    assert warned == [
        "dcdist: a password stands on the command line, where every user of this host could read it until now: give "
        "the URL by the variable DCDIST_STORE"
    ]
    assert "PASSWORD-7" not in given.err
    assert "password" not in dcdist("ls", environment={"DCDIST_STORE": store}).err


async def test_a_crash_leaves_no_image_of_the_memory(tmp_path: Path) -> None:
    """Wherever the system puts such images: the kernel says itself whether it made one."""
    before = resource.getrlimit(resource.RLIMIT_CORE)
    async with silent_server() as (url, asked):
        resource.setrlimit(resource.RLIMIT_CORE, (before[1], before[1]))
        try:
            other = await in_thread(partial(subprocess.Popen, ["sleep", "60"], cwd=tmp_path))
            with begun("doctor", "--store", url, variables={"ST_KEY": "KEY-3"}, cwd=tmp_path) as command:
                await asyncio.wait_for(asked.wait(), 60)
                os.kill(command.pid, signal.SIGSEGV)
                _, status = await in_thread(os.waitpid, command.pid, 0)
                command.returncode = -signal.SIGSEGV
        finally:
            resource.setrlimit(resource.RLIMIT_CORE, before)
    os.kill(other.pid, signal.SIGSEGV)
    _, usual = await in_thread(os.waitpid, other.pid, 0)
    other.returncode = -signal.SIGSEGV
    if not os.WCOREDUMP(usual):
        pytest.skip("this system makes no such images")
    assert (os.WTERMSIG(status), os.WCOREDUMP(status)) == (signal.SIGSEGV, False)


@needs_another_user
def test_a_process_of_an_ordinary_user_hides_its_secrets_too_and_root_alone_may_read_it() -> None:
    def hide() -> None:
        leave_no_core()
        assert rewrite_arguments(lambda _: [b"dcdist: seeding web@1"])
        assert Path("/proc/self/cmdline").read_text().rstrip("\0") == "dcdist: seeding web@1"
        assert erase_variables({b"PATH"})
        assert "PATH" in os.environ
        assert ctypes.CDLL(None).prctl(3, 0, 0, 0, 0) == 0  # it leaves no core, and so is root's in /proc
        with pytest.raises(PermissionError):
            Path("/proc/self/environ").read_bytes()

    do_as_nobody(hide)
