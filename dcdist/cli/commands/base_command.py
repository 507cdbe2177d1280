"""What every command has: `--json` and `--debug`, heeded even if other arguments are wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import click

from dcdist.cli.commands.variables import naming_variables
from dcdist.cli.faults import FaultStyle

if TYPE_CHECKING:
    from collections.abc import Callable

Function = TypeVar("Function", bound="Callable[..., object]")


class BaseCommand(click.Command):
    """A command that sets the style of faults before its arguments are checked."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click does; a mistake in `args` is already told in the style that they ask for."""
        style = ctx.find_object(FaultStyle)
        if style is not None:
            # Only click knows whether `--json` is an option here, or the value of another one.
            # The names of the help are ctx's: click remembers those that it sees first.
            names = ctx.help_option_names
            lenient = click.Context(self, resilient_parsing=True, ignore_unknown_options=True, help_option_names=names)
            given, _, _ = self.make_parser(lenient).parse_args(list(args))
            style.as_json, style.debug = "as_json" in given, "debug" in given
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        """As click does; errors name the variables that they come of."""
        with naming_variables(ctx):
            return super().invoke(ctx)


def reporting_options(function: Function) -> Function:
    """The two options; commands get `as_json` only."""
    debug = click.option(
        "--debug", is_flag=True, expose_value=False, help="Show the traceback of a bug (also: DCDIST_DEBUG=1)."
    )
    json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line, for programs.")
    return json(debug(function))
