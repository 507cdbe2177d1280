"""Runs a command so that whatever happens ends in a message and an exit code.

Invariant: only a bug shows a traceback, and only on request.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING, NoReturn

from dcdist.cli.display.output import nobody_reads, prepare, tell_fault
from dcdist.cli.faults import Fault, FaultStyle, InterruptedByUserError, ReportedError, fault_of
from dcdist.cli.standard_streams import fill_standard_places
from dcdist.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

    import click

_NOBODY_READS = 128 + signal.SIGPIPE


def run(arguments: Sequence[str]) -> int:
    """Run the command that `arguments` name; the exit code."""
    # A guess, for faults before a command has read its arguments; see `BaseCommand`.
    style = FaultStyle("--json" in arguments, "--debug" in arguments)
    try:
        fill_standard_places()
        prepare()
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
        raise _usage(error) from None
    return code if isinstance(code, int) else 0


def _usage(error: click.ClickException) -> Exception:
    message = error.format_message()
    context = getattr(error, "ctx", None)
    hint = "" if context is None else f"Try '{context.command_path} --help'."
    return ReportedError(Fault(UsageError.__name__, message, UsageError.exit_code, hint=hint))


def _interrupt(number: int, _frame: FrameType | None) -> NoReturn:
    raise InterruptedByUserError(number)
