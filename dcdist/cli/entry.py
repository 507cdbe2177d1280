"""Runs a command so that whatever happens ends in a message and an exit code.

Invariant: no traceback is shown, but of a bug, and only on request.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING, NoReturn

from dcdist.cli.display.output import nobody_reads, prepare, tell_fault
from dcdist.cli.faults import Fault, InterruptedByUserError, ReportedError, fault_of
from dcdist.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

    import click

_NOBODY_READS = 128 + signal.SIGPIPE


def run(arguments: Sequence[str]) -> int:
    """The exit code of the command that `arguments` name."""
    as_json = "--json" in arguments
    debug = "--debug" in arguments or os.environ.get("DCDIST_DEBUG", "") not in {"", "0"}
    prepare()
    try:
        for number in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is signal.SIG_DFL:
                signal.signal(number, _interrupt)
        return _run_command(arguments)
    except (BrokenPipeError, SystemExit):
        # click and rich turn a broken pipe into SystemExit; nothing else does.
        nobody_reads()
        return _NOBODY_READS
    except BaseException as error:
        return _tell(error, as_json=as_json, debug=debug)


def _tell(error: BaseException, *, as_json: bool, debug: bool) -> int:
    fault = fault_of(error)
    try:
        tell_fault(fault, as_json=as_json, debug=debug)
    except BrokenPipeError:
        nobody_reads()
    except OSError:
        pass  # nowhere to say it: the exit code must do
    return fault.exit_code


def _run_command(arguments: Sequence[str]) -> int:
    import click

    from dcdist.cli.application import application

    try:
        code = application.main(list(arguments), standalone_mode=False)
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
    if context is not None:
        message += f"\nTry '{context.command_path} --help'."
    return ReportedError(Fault(UsageError.__name__, message, UsageError.exit_code))


def _interrupt(number: int, _frame: FrameType | None) -> NoReturn:
    raise InterruptedByUserError(number)
