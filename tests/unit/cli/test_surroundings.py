"""A process that goes on needs something that inherits it; where there is nothing, the command stays or says so."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from dcdist.cli.worker.surroundings import Surroundings, surroundings, tell_ready

if TYPE_CHECKING:
    from pathlib import Path

SERVICE = "0::/system.slice/images.service\n"
OLD_SERVICE = "4:memory:/\n2:cpu:/other.service\n1:name=systemd:/system.slice/images.service\n"
LOGIN = "0::/user.slice/user-0.slice/session-3.scope\n"
NOTIFY = {"NOTIFY_SOCKET": "/run/systemd/notify", "INVOCATION_ID": "0f"}


def test_process_1_stays_for_its_container_ends_with_it() -> None:
    assert surroundings(1, parent=0, environment={}, cgroup="0::/\n").stay != ""


@pytest.mark.parametrize("first", ["tini\n", "docker-init\n"])
def test_so_does_the_command_of_a_container_with_a_small_init(first: str) -> None:
    assert surroundings(7, parent=1, environment={}, cgroup="0::/\n", first=first).stay == "its container ends with it"
    assert surroundings(8, parent=7, environment={}, cgroup="0::/\n", first=first) == Surroundings()


@pytest.mark.parametrize("cgroup", ["", "0::/\n", LOGIN, "0::/user.slice/x.scope\n", "garbage\n\n::"])
def test_elsewhere_init_inherits_the_process_that_goes_on(cgroup: str) -> None:
    inherited = {"INVOCATION_ID": "0f", "NOTIFY_SOCKET": "/run/x"}  # as a desktop's terminal has them
    assert surroundings(77, parent=1, environment=inherited, cgroup=cgroup, first="systemd\n") == Surroundings()


@pytest.mark.parametrize("cgroup", [SERVICE, OLD_SERVICE])
@pytest.mark.parametrize(
    ("parent", "environment"),
    [(1, {}), (9, {"SYSTEMD_EXEC_PID": "77"}), (9, {"INVOCATION_ID": "0f", "SYSTEMD_EXEC_PID": "9"})],
)
def test_a_service_may_end_what_goes_on(cgroup: str, parent: int, environment: dict[str, str]) -> None:
    found = surroundings(77, parent=parent, environment=environment, cgroup=cgroup)
    assert found == Surroundings(end_with="images.service")


def test_a_job_of_a_service_that_starts_jobs_is_none_of_its_own() -> None:
    # Such as cron's: the service goes on, and so does what a job leaves.
    assert surroundings(77, parent=9, environment={}, cgroup="0::/system.slice/cron.service") == Surroundings()


@pytest.mark.parametrize(("parent", "more"), [(1, {}), (9, {"SYSTEMD_EXEC_PID": "77"})])
def test_a_service_that_waits_for_a_word_gets_it_and_stays(parent: int, more: dict[str, str]) -> None:
    found = surroundings(77, parent=parent, environment=NOTIFY | more, cgroup=SERVICE)
    assert found.stay.startswith("images.service ends with it")
    assert found.end_with == ""


def test_a_script_of_such_a_service_is_not_held_up() -> None:
    found = surroundings(77, parent=9, environment=NOTIFY | {"SYSTEMD_EXEC_PID": "9"}, cgroup=SERVICE)
    assert found == Surroundings(end_with="images.service")


@pytest.mark.parametrize("abstract", [False, True])
def test_the_system_is_told_when_it_asked(tmp_path: Path, *, abstract: bool) -> None:
    address = f"@{tmp_path}/notify" if abstract else f"{tmp_path}/notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as system:
        system.bind("\0" + address[1:] if abstract else address)
        system.settimeout(30)
        tell_ready({"NOTIFY_SOCKET": address})
        assert system.recv(100) == b"READY=1\n"


@pytest.mark.parametrize("address", ["", "vsock:2:1", "/nowhere/notify", "@" + "x" * 200])
def test_a_system_that_cannot_be_told_ends_nothing(address: str) -> None:
    tell_ready({"NOTIFY_SOCKET": address})
