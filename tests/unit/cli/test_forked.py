"""A copy of this process that does a piece of work of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from dcdist.cli.worker.fork import Forked


def _echo() -> int:
    with open(0, "rb", closefd=False) as heard:
        os.write(1, heard.readline().upper())
    return 3


def _ended(forked: Forked) -> tuple[bytes, int]:
    with forked.stdin, forked.stdout:
        return forked.stdout.read(), forked.wait()


def test_what_is_written_reaches_the_work_and_its_words_and_its_exit_code_come_back() -> None:
    forked = Forked(_echo)
    forked.stdin.write(b"word\n")

    assert _ended(forked) == (b"WORD\n", 3)


def test_work_that_raises_ends_with_code_1_and_never_goes_on_here(capfd: pytest.CaptureFixture[str]) -> None:
    def work() -> int:
        raise LookupError("nothing there")

    assert _ended(Forked(work)) == (b"", 1)
    assert "LookupError: nothing there" in capfd.readouterr().err


def test_a_request_to_exit_gives_its_code() -> None:
    assert _ended(Forked(lambda: sys.exit(7))) == (b"", 7)


def test_a_signal_that_ended_it_is_told() -> None:
    def work() -> int:
        signal.pause()
        return 0

    forked = Forked(work)
    forked.send_signal(signal.SIGTERM)

    assert _ended(forked) == (b"", -signal.SIGTERM)
    forked.send_signal(signal.SIGTERM)  # its number may be another's by now


def test_handlers_of_this_process_do_not_run_in_the_other() -> None:
    def work() -> int:
        os.kill(os.getpid(), signal.SIGTERM)
        return 0

    before = signal.signal(signal.SIGTERM, lambda *_: os.write(2, b"run by the wrong process"))
    try:
        assert _ended(Forked(work)) == (b"", -signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)


def test_it_has_a_session_of_its_own_and_nothing_of_ours_is_open_there() -> None:
    def work() -> int:
        opened = [int(name) for name in os.listdir("/dev/fd")][:-1]  # the last one is the listing's own
        os.write(1, f"{os.getsid(0) == os.getpid()} {sorted(opened)}".encode())
        return 0

    with open(os.devnull) as ours:
        os.set_inheritable(ours.fileno(), True)

        assert _ended(Forked(work)) == (b"True [0, 1, 2]", 0)


@pytest.mark.parametrize("closed", ["<&-", "<&- >&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_closed_standard_streams_are_not_taken_for_the_pipes(closed: str) -> None:
    code = (
        "import sys; from dcdist.cli.worker.fork import Forked\n"
        "def work():\n"
        "    with open(0, 'rb', closefd=False) as heard:\n"
        "        return len(heard.read())\n"
        "forked = Forked(work); forked.stdin.write(b'12345'); forked.stdin.close(); forked.stdout.read()\n"
        "sys.exit(forked.wait())"
    )
    done = subprocess.run(["sh", "-c", f'exec "$0" -c "$1" {closed}', sys.executable, code], timeout=60, check=False)

    assert done.returncode == 5
