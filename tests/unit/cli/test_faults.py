"""Every failure ends in a message and a code; only bugs are called bugs."""

from __future__ import annotations

import signal

import pytest

from dcdist import errors
from dcdist.cli.faults import Fault, InterruptedByUserError, died, exit_codes, fault_of, interrupted, kinds_by_exit_code


def test_the_exit_codes_are_these() -> None:
    assert exit_codes() == [
        (0, "done"),
        (1, "a bug in dcdist"),
        (2, "an option, a name or a setting is invalid"),
        (3, "the object store failed or refused a request"),
        (4, "data failed a check: a digest, a signature or a serial"),
        (5, "data are not in the expected format"),
        (6, "a disk of this host failed or refused"),
        (7, "the BitTorrent session could not start, or it failed"),
        (8, "the requested release cannot be fetched or published"),
        (9, "a fetch gave up"),
        (10, "a check of `doctor` failed"),
        (130, "ended by Ctrl-C"),
        (143, "ended by SIGTERM"),
    ]


def test_every_error_of_the_tree_is_public() -> None:
    defined = {name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, Exception)}
    assert defined == set(errors.__all__)


def test_every_kind_of_error_has_a_code_that_is_listed() -> None:
    listed = {code for code, _ in exit_codes()}
    kinds = kinds_by_exit_code()
    assert set(kinds) <= listed
    assert sorted(name for names in kinds.values() for name in names) == sorted(set(errors.__all__) - {"DcdistError"})


def test_the_record_of_an_error_has_its_attributes() -> None:
    fault = fault_of(errors.DiskFullError("no room", path="/images", needed=10, free=3))
    assert fault.record() == {
        "event": "error",
        "kind": "DiskFullError",
        "message": "no room",
        "path": "/images",
        "needed": 10,
        "free": 3,
        "exit_code": 6,
    }
    assert Fault.from_record(fault.record()) == fault


def test_errors_that_came_together_are_told_together() -> None:
    error = errors.DiskError("disk broke", path="/x")
    error.__cause__ = BaseExceptionGroup("", [errors.SwarmError("session broke"), errors.SwarmError("session broke")])
    assert fault_of(error).message == "disk broke\nalso: session broke"


@pytest.mark.parametrize("error", [KeyError("x"), AssertionError(), errors.InvariantError("cannot be")])
def test_a_bug_is_called_one_and_tells_how_to_report_it(error: Exception) -> None:
    fault = fault_of(error)
    assert fault.exit_code == 1
    assert "this is a bug in dcdist" in fault.message
    assert "--debug" in fault.message
    assert type(error).__name__ in fault.trace
    assert "trace" not in fault.record()


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (PermissionError(13, "Permission denied", "/images"), "/images: Permission denied"),
        (OSError("something"), "something"),
    ],
)
def test_what_the_system_refuses_is_no_bug(error: OSError, message: str) -> None:
    fault = fault_of(error)
    assert (fault.kind, fault.message, fault.exit_code, fault.trace) == ("DiskError", message, 6, "")


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (KeyboardInterrupt(), 130, "ended by Ctrl-C"),
        (InterruptedByUserError(signal.SIGTERM), 143, "ended by SIGTERM"),
        (InterruptedByUserError(signal.SIGHUP), 129, "ended by SIGHUP"),
    ],
)
def test_a_signal_gives_the_code_of_shells(error: BaseException, code: int, message: str) -> None:
    assert (fault_of(error).exit_code, fault_of(error).message) == (code, message)
    assert interrupted(signal.SIGINT).record()["signal"] == "SIGINT"


@pytest.mark.parametrize(
    ("status", "how"),
    [
        (-9, "was killed by SIGKILL (was this host out of memory?)"),
        (-11, "was killed by SIGSEGV"),
        (143, "was ended by SIGTERM"),
        (3, "ended with code 3"),
    ],
)
def test_a_worker_that_died_is_told_of(status: int, how: str) -> None:
    assert died(status).exit_code == 9
    assert f"the process that does the fetch {how}. What was fetched is kept" in died(status).message
