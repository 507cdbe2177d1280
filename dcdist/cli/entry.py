"""Runs a command so that whatever happens ends in a message and an exit code.

Invariants: only a bug shows a traceback, and only on request. What is said of arguments shows no password of a URL.
"""

from __future__ import annotations

import os
import re
import signal
import sys
from typing import TYPE_CHECKING, NoReturn

from dcdist.cli.display.output import nobody_reads, prepare, tell_fault, warn
from dcdist.cli.faults import Fault, FaultStyle, InterruptedByUserError, ReportedError, fault_of
from dcdist.cli.standard_streams import fill_standard_places
from dcdist.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

    import click

_NOBODY_READS = 128 + signal.SIGPIPE
_URL = re.compile(r"(?<![A-Za-z0-9+.-])[A-Za-z][A-Za-z0-9+.-]*:|//")
"""Where a URL may begin, also one that is mistyped."""


def run(arguments: Sequence[str], *, warning: str = "") -> int:
    """Run the command that `arguments` name; the exit code. `warning` is told first, if there is one."""
    # A guess, for faults before a command has read its arguments; see `BaseCommand`.
    style = FaultStyle("--json" in arguments, "--debug" in arguments)
    try:
        fill_standard_places()
        prepare()
        if warning:
            warn(f"dcdist: {warning}")
        for number in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is signal.SIG_DFL:
                signal.signal(number, _interrupt)
        return _run_command(arguments, style)
    except (BrokenPipeError, SystemExit):
        # click and rich turn a broken pipe into SystemExit; nothing else does.
        nobody_reads()
        return _NOBODY_READS
    except BaseException as error:
        return _tell(error, style)


def _tell(error: BaseException, style: FaultStyle) -> int:
    fault = fault_of(error)
    style.debug |= os.environ.get("DCDIST_DEBUG", "") not in {"", "0"}
    try:
        tell_fault(fault, style)
    except BrokenPipeError:
        nobody_reads()
    except OSError:
        pass  # nowhere to write: the exit code must do
    return fault.exit_code


def _run_command(arguments: Sequence[str], style: FaultStyle) -> int:
    import click

    from dcdist.cli.application import application

    try:
        code = application.main(list(arguments), standalone_mode=False, obj=style)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show(sys.stderr)
        return UsageError.exit_code
    except click.exceptions.Abort:
        raise KeyboardInterrupt from None
    except click.ClickException as error:
        raise _usage(error, arguments) from None
    return code if isinstance(code, int) else 0


def _usage(error: click.ClickException, arguments: Sequence[str]) -> Exception:
    message = error.format_message()
    for value, shown in _with_credentials(arguments):
        message = message.replace(value, shown).replace(repr(value)[1:-1], shown)
    context = getattr(error, "ctx", None)
    hint = "" if context is None else f"Try '{context.command_path} --help'."
    return ReportedError(Fault(UsageError.__name__, message, UsageError.exit_code, hint=hint))


def _with_credentials(arguments: Sequence[str]) -> list[tuple[str, str]]:
    """The URLs with credentials among the arguments and the variables of options, and what to show instead."""
    from dcdist.store.shown_url import shown_url

    given = [*arguments, *(value for name, value in os.environ.items() if name.startswith("DCDIST_"))]
    words = {word[start.start() :] for each in given for word in (each, *each.split()) for start in _URL.finditer(word)}
    found = [(word, shown_url(word)) for word in words if "@" in word]
    # A release is told in halves, DEMO and VERSION.
    found += [(half, _shown_half(half)) for word, _ in found for half in _halves(word) if ":" in half or "//" in half]
    return sorted(((value, shown) for value, shown in found if value != shown), key=lambda pair: -len(pair[0]))


def _halves(word: str) -> tuple[str, str]:
    return word.partition("@")[0], word.rpartition("@")[0]


def _shown_half(half: str) -> str:
    begin, slashes, _ = half.partition("//")
    return f"{begin}//..." if slashes else "..."


def _interrupt(number: int, _frame: FrameType | None) -> NoReturn:
    raise InterruptedByUserError(number)
