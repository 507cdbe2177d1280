"""Faults as users and their programs see them: one record and one exit code for each kind.

Invariant: only a fault of dcdist itself is called a bug, and only then is there a traceback.
"""

from __future__ import annotations

import signal
import traceback
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dcdist import errors
from dcdist.errors import DcdistError, DiskError, FetchFailedError, InvariantError, UsageError
from dcdist.shown_text import on_one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

Json = str | int | float | bool | None | list["Json"] | dict[str, "Json"]

BUG = 1
"""The exit code of a bug."""

_SIGNAL = 128
"""Added to the number of the signal that ended a command."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a command failed. `details` are the error's attributes; `trace` is the traceback of a bug.

    `hint`: what people may type next; programs are not told.
    """

    kind: str
    message: str
    exit_code: int
    details: dict[str, Json] = field(default_factory=dict)
    trace: str = ""
    hint: str = ""

    def record(self) -> dict[str, Json]:
        """The fault as one JSON object."""
        told: dict[str, Json] = {"event": "error", "kind": self.kind, "message": self.message}
        return {**told, **self.details, "exit_code": self.exit_code}

    @classmethod
    def from_record(cls, record: dict[str, Json]) -> Fault:
        """The fault that `record` wrote in another process."""
        known = {"event", "kind", "message", "exit_code", "trace"}
        code = record.get("exit_code")
        return cls(
            str(record.get("kind")),
            str(record.get("message")),
            code if isinstance(code, int) else BUG,
            {key: value for key, value in record.items() if key not in known},
            str(record.get("trace", "")),
        )


@dataclass(slots=True)
class FaultStyle:
    """How to tell of faults: as JSON or in words, and whether bugs show their traceback."""

    as_json: bool = False
    debug: bool = False


class InterruptedByUserError(Exception):
    """A signal asked the command to end; `number` is the signal's."""

    def __init__(self, number: int, message: str = "") -> None:
        super().__init__(message)
        self.number = number


class ReportedError(Exception):
    """A fault that another process reported."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault


def fault_of(error: BaseException) -> Fault:
    """The fault behind an error that ended a command."""
    match error:
        case ReportedError():
            return error.fault
        case InvariantError():
            return _bug(error)
        case DcdistError():
            return Fault(type(error).__name__, _with_reasons(error), error.exit_code, _details(error))
        case InterruptedByUserError():
            return interrupted(error.number, str(error))
        case KeyboardInterrupt():
            return interrupted(signal.SIGINT)
        case MemoryError():
            return Fault("MemoryError", "this host has no memory left for dcdist", DiskError.exit_code)
        case OSError():
            where = f"{error.filename}: " if error.filename else ""
            details: dict[str, Json] = {"path": str(error.filename)} if error.filename else {}
            return Fault("DiskError", on_one_line(f"{where}{error.strerror or error}"), DiskError.exit_code, details)
        case _:
            return _bug(error)


def interrupted(number: int, message: str = "") -> Fault:
    """The fault of a command that a signal ended."""
    name = signal.Signals(number).name
    message = message or ("ended by Ctrl-C" if number == signal.SIGINT else f"ended by {name}")
    return Fault("Interrupted", message, _SIGNAL + number, {"signal": name})


def died(status: int) -> Fault:
    """The process that does the work died without reporting a fault; `status` as in `subprocess` (-9: by signal 9)."""
    if status < 0:
        name = signal.Signals(-status).name
        how = f"was killed by {name}" + (" (was this host out of memory?)" if -status == signal.SIGKILL else "")
    elif status > _SIGNAL:
        how = f"was ended by {signal.Signals(status - _SIGNAL).name}"
    else:
        how = f"ended with code {status}"
    return Fault(
        FetchFailedError.__name__,
        f"the process that does the fetch {how}. What was fetched is kept: run the same command again to resume",
        FetchFailedError.exit_code,
    )


def exit_codes() -> list[tuple[int, str]]:
    """Each exit code and its meaning, in ascending order; the kinds of fault are those of `dcdist.errors`."""
    meanings = {0: "done", BUG: "a bug in dcdist", UsageError.exit_code: ""}
    for kind in _kinds(DcdistError):
        if kind.exit_code != BUG and not meanings.get(kind.exit_code):
            meanings[kind.exit_code] = _first_sentence(kind)
    listed = sorted(meanings.items())
    return [*listed, (_SIGNAL + signal.SIGINT, "ended by Ctrl-C"), (_SIGNAL + signal.SIGTERM, "ended by SIGTERM")]


def kinds_by_exit_code() -> dict[int, list[str]]:
    """The kinds of fault of each exit code."""
    found: dict[int, list[str]] = {}
    for kind in _kinds(DcdistError):
        found.setdefault(kind.exit_code, []).append(kind.__name__)
    return found


def _kinds(root: type[DcdistError]) -> Iterator[type[DcdistError]]:
    for kind in root.__subclasses__():
        if kind.__name__ in errors.__all__:
            yield kind
            yield from _kinds(kind)


def _first_sentence(kind: type[DcdistError]) -> str:
    text = (kind.__doc__ or "").strip().split("\n")[0].split(";")[0].rstrip(".")
    return text[:1].lower() + text[1:]


def _bug(error: BaseException) -> Fault:
    import platform

    import dcdist

    shown = on_one_line(traceback.format_exception_only(error)[-1].strip())
    return Fault(
        type(error).__name__,
        f"this is a bug in dcdist: {shown}\nPlease report it, with the output of the same command with --debug "
        f"(dcdist {dcdist.__version__}, Python {platform.python_version()}, {platform.platform()})",
        BUG,
        trace="".join(traceback.format_exception(error)),
    )


def _with_reasons(error: DcdistError) -> str:
    """The message, and those of the errors that came with it."""
    others = error.__cause__
    if not isinstance(others, BaseExceptionGroup):
        return str(error)
    seen = [str(error)]
    for each in others.exceptions:
        if isinstance(each, DcdistError) and str(each) not in seen:
            seen.append(str(each))
    return "\n".join([seen[0], *(f"also: {message}" for message in seen[1:])])


def _details(error: DcdistError) -> dict[str, Json]:
    return {
        name: value
        for name, value in vars(error).items()
        if not name.startswith("_") and (value is None or isinstance(value, str | int | float))
    }
