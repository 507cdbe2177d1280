"""The options that commands share, and how their values are read. The words are part of the interface of dcdist."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from dcdist.cli.display.quantities import parse_address, parse_duration, parse_rate
from dcdist.errors import UsageError
from dcdist.model.identity import ReleaseName, require_word

if TYPE_CHECKING:
    from collections.abc import Callable

Value = TypeVar("Value")
Command = TypeVar("Command", bound="Callable[..., object]")


class Parsed(click.ParamType[Value]):
    """A value that a function reads from text; what the function refuses, the option refuses in its words."""

    def __init__(self, name: str, parse: Callable[[str], Value]) -> None:
        self.name = name
        self._parse = parse

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401
        """The value; a default that is one already stays."""
        if not isinstance(value, str):
            return value
        try:
            return self._parse(value)
        except UsageError as error:
            self.fail(str(error), param, ctx)


def _release(text: str) -> ReleaseName:
    return ReleaseName.parse(text)


def _wanted(text: str) -> str:
    return str(ReleaseName.parse(text)) if "@" in text else require_word(text, what="demo")


RATE = Parsed("rate", parse_rate)
DURATION = Parsed("duration", parse_duration)
PEER = Parsed("ip:port", parse_address)
LISTEN = Parsed("ip:port", lambda text: parse_address(text, any_port=True))
RELEASE = Parsed("demo@version", _release)
WANTED = Parsed("demo[@version]", _wanted)
DEMO = Parsed("demo", lambda text: require_word(text, what="demo"))
REALM = Parsed("name", lambda text: require_word(text, what="realm"))
READABLE = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)
FOLDER = click.Path(file_okay=False, path_type=Path)
NEW_FILE = click.Path(dir_okay=False, writable=True, path_type=Path)

STORE = click.option(
    "--store",
    required=True,
    metavar="URL",
    help="Where releases are: file:///path (a directory, also a mounted NFS export), swift://container/prefix "
    "(with ST_AUTH, ST_USER and ST_KEY in the environment), or http(s)://host/path (read-only).",
)
TRUST = click.option(
    "--trust",
    required=True,
    multiple=True,
    type=READABLE,
    metavar="FILE",
    help="A publisher's public key (publisher.pub). Only releases that it signed are believed. May be repeated.",
)
CACHE = click.option(
    "--cache",
    required=True,
    type=FOLDER,
    metavar="DIR",
    help="Where layers are kept for updates and for other hosts. Created if need be.",
)
LISTEN_OPTION = click.option(
    "--listen",
    type=LISTEN,
    metavar="IP:PORT",
    help="Where other hosts may connect; port 0 is any free one. [default: 0.0.0.0:0]",
)
ADVERTISE = click.option(
    "--advertise",
    type=PEER,
    metavar="IP:PORT",
    help="Where other hosts are told to connect, if that is another address. [default: found out]",
)
PEERS = click.option(
    "--peer",
    "peers",
    multiple=True,
    type=PEER,
    metavar="IP:PORT",
    help="A host to connect to beside those found through the store. May be repeated.",
)
REALM_OPTION = click.option(
    "--realm",
    type=REALM,
    default="default",
    show_default=True,
    metavar="NAME",
    help="Only hosts of the same realm look for each other: those that can reach each other.",
)
STORE_RATE = click.option(
    "--store-rate", type=RATE, metavar="R", help="The most that is taken from the store. [default: no bound]"
)
FLEET_STORE_RATE = click.option(
    "--fleet-store-rate",
    type=RATE,
    metavar="R",
    help="The most that all hosts of the demo and realm together take from the store. Tell it to all of them; each "
    "keeps to its share. [default: no bound]",
)
UP_RATE = click.option(
    "--up-rate", type=RATE, metavar="R", help="The most that is given to other hosts. [default: no bound]"
)
DOWN_RATE = click.option(
    "--down-rate",
    type=RATE,
    metavar="R",
    help="The most that is taken from store and other hosts together. [default: no bound]",
)

UNITS = (
    "Rates (R) are bytes a second (20MB, 500k, 1.5MiB) or bits a second (160mbit, 1gbit). Addresses are IP:PORT or "
    "[IPv6]:PORT."
)


LOG_FILE = click.option(
    "--log-file",
    type=NEW_FILE,
    metavar="FILE",
    help="Append what happens to FILE, one JSON object a line, with time, process and source.",
)


def common(command: Command) -> Command:
    """The options of all commands. The guard around commands looks for them; commands need `--json` only."""
    command = click.option(
        "--debug", is_flag=True, expose_value=False, help="Show the traceback of a bug (also: DCDIST_DEBUG=1)."
    )(command)
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line, for programs.")(command)
