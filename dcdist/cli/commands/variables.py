"""Options that an environment variable gives where the command line does not: `--store` is `DCDIST_STORE`.

Invariant: an error that comes of such a value names the variable. The library reads no such variable.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from dcdist.cli.faults import ReportedError
from dcdist.errors import DcdistError
from dcdist.model.identity import show_address

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SEVERAL = "Variables hold several files separated by ':', and several addresses separated by spaces."


class VariableOption(click.Option):
    """An option that repeats from command to command, so that a host or a publisher may say it once."""

    def __init__(self, declarations: Sequence[str], **settings: Any) -> None:  # noqa: ANN401
        flag = next(word for word in declarations if word.startswith("--"))
        self.variable = "DCDIST_" + flag.removeprefix("--").replace("-", "_").upper()
        super().__init__(declarations, envvar=self.variable, show_envvar=True, **settings)

    def value_from_envvar(self, ctx: click.Context) -> Any:  # noqa: ANN401
        """The value of the variable; None if it is not set, or empty."""
        value = self.resolve_envvar_value(ctx)
        if value is not None and not value.isprintable() and any(letter in value for letter in "\r\n\0"):
            # The value is not shown: a URL may have a password in it, which a line end can hide from whoever masks it.
            raise click.BadParameter(
                f"{self.variable} has a line end in it; was it read from a file with CRLF?", ctx, self
            )
        found = super().value_from_envvar(ctx)
        # As in PATH, a separator at an end has nothing beside it.
        return tuple(each for each in found if each) if self.multiple and found is not None else found

    def get_error_hint(self, ctx: click.Context | None) -> str:
        """How messages name the option; with its variable, unless the command line gave it."""
        if ctx is not None and is_from_command_line(ctx, self.name or ""):
            return click.Parameter.get_error_hint(self, ctx)
        return super().get_error_hint(ctx)


setting = partial(click.option, cls=VariableOption)
"""As `click.option`, for an option that a variable gives too."""


def is_from_command_line(ctx: click.Context, name: str) -> bool:
    """Whether the command line gave the parameter of that name."""
    return ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE


@contextmanager
def naming_variables(ctx: click.Context) -> Iterator[None]:
    """Have errors name the variables that gave the options or values of which they speak."""
    try:
        yield
    except ReportedError as error:
        message = error.fault.message
        raise ReportedError(replace(error.fault, message=message + _origin(ctx, message))) from error
    except DcdistError as error:
        if origin := _origin(ctx, str(error)):
            error.add_context(note=origin.removeprefix("; "))
        raise


def _origin(ctx: click.Context, message: str) -> str:
    given = [each for each in ctx.command.params if isinstance(each, VariableOption)]
    return "".join(
        f"; {each.opts[0]} is from {each.variable}"
        for each in given
        if ctx.get_parameter_source(each.name or "") is ParameterSource.ENVIRONMENT and _speaks_of(message, each, ctx)
    )


def _speaks_of(message: str, option: VariableOption, ctx: click.Context) -> bool:
    if re.search(rf"{option.opts[0]}(?![\w-])", message):
        return True
    value = ctx.params.get(option.name or "")
    several = value if option.multiple and isinstance(value, tuple) else (value,)
    return any(shown in message for each in several for shown in _shown(each))


def _shown(value: object) -> Iterator[str]:
    """How messages show a value; other values than paths, URLs and addresses are words that they may have by chance."""
    if isinstance(value, tuple):
        host, port = value
        yield show_address((host, port))
        yield f"{host} port {port}"
    elif "/" in str(value) and (text := str(value).rstrip("/")):
        from dcdist.store.shown_url import shown_url

        yield text
        yield shown_url(text)
