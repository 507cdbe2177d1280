"""The options that commands share, and how their values are read.

Invariant: an option of a fetch bears the flat name of its field in `FetchOptions`, and None is an option not given.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dcdist.cli.commands.variables import SEVERAL, setting
from dcdist.engine.fetch_options import DEFAULT_REALM
from dcdist.engine.option_values import parse_path
from dcdist.errors import UsageError
from dcdist.model.identity import ReleaseName, require_line, require_word
from dcdist.model.option_text import parse_address, parse_duration, parse_rate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class AbsolutePath(click.Path):
    """A path that stays right wherever it is read: in messages, logs, and processes that go on."""

    def __init__(self, *, folder: bool) -> None:
        super().__init__(file_okay=not folder, dir_okay=folder, writable=not folder, path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401
        """The absolute path."""
        try:
            parse_path(os.fsdecode(value))
        except UsageError as error:
            self.fail(str(error), param, ctx)
        path = Path(os.fsdecode(super().convert(value, param, ctx))).absolute()
        if not self.dir_okay and not path.parent.is_dir():
            self.fail(f"{path} cannot be written: there is no folder {path.parent}", param, ctx)
        return path


class Parsed(click.ParamType):  # type: ignore[type-arg]  # click 8.2 has no parameter here
    """A value that a function reads from text; the option refuses what the function refuses, in the same words."""

    def __init__(self, name: str, parse: Callable[[str], object]) -> None:
        self.name = name
        self._parse = parse

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401
        """The value; a default that needs no reading stays."""
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


def _demo(text: str) -> str:
    demo, at, _ = text.partition("@")
    if at:
        raise UsageError(
            f"{text!r} is a release: `ls {demo}` lists the releases of a demo, `show {text}` shows this one"
        )
    return require_word(text, what="demo")


RATE = Parsed("rate", parse_rate)
DURATION = Parsed("duration", parse_duration)
PEER = Parsed("ip:port", parse_address)
LISTEN = Parsed("ip:port", lambda text: parse_address(text, any_port=True))
RELEASE = Parsed("demo@version", _release)
WANTED = Parsed("demo[@version]", _wanted)
DEMO = Parsed("demo", _demo)
LINE = Parsed("id", require_line)
LINE_OR_NONE = Parsed("id", lambda text: require_line(text, or_none=True))
REALM = Parsed("name", lambda text: require_word(text, what="realm"))
READABLE = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)
FOLDER = AbsolutePath(folder=True)
UNSEEN_FOLDER = Parsed("directory", lambda text: parse_path(text).absolute())
"""A folder that is not looked at when the options are read: its disk may hang."""
NEW_FILE = AbsolutePath(folder=False)

STORE = setting(
    "--store",
    required=True,
    metavar="URL",
    help="Where releases are: file:///path (a directory, such as a mounted NFS export), swift://container/prefix "
    "(with ST_AUTH, ST_USER and ST_KEY in the environment), or http(s)://host/path (read-only).",
)
TRUST = setting(
    "--trust",
    required=True,
    multiple=True,
    type=READABLE,
    metavar="FILE",
    help="A publisher's public key (publisher.pub). Only releases signed by a trusted key are accepted. May be "
    "repeated.",
)
FOLLOWED_LINE = setting(
    "--line",
    type=LINE_OR_NONE,
    metavar="ID",
    help="The line of releases to follow, as `show` tells it; none: releases without a line. [default: the line that "
    "this host has followed, or one that replaces it, or the only one]",
)
LINE_TO_EXAMINE = setting(
    "--line",
    type=LINE_OR_NONE,
    metavar="ID",
    help="The line of releases to look at, as `ls` tells it where there are several; none: releases without a line. "
    "What this host has followed does not count here. [default: the one that replaces the others, or the only one]",
)
TRUST_TO_EXAMINE = setting(
    "--trust",
    multiple=True,
    type=READABLE,
    metavar="FILE",
    help="A publisher's public key (publisher.pub), as fetch would get it. Without it signatures are not checked. May "
    "be repeated.",
)
TRUST_TO_MARK = setting(
    "--trust",
    multiple=True,
    type=READABLE,
    metavar="FILE",
    help="A publisher's public key (publisher.pub). Releases that no such key signed are marked: a host that trusts "
    "these keys passes over them. May be repeated.",
)
TRUST_TO_CONTINUE = setting(
    "--trust",
    multiple=True,
    type=READABLE,
    metavar="FILE",
    help="The public key of another publisher (publisher.pub) whose releases this one continues: its serials and line "
    "count, and its layers are shared. Without it only releases of --key do. May be repeated.",
)
CACHE = setting(
    "--cache",
    required=True,
    type=FOLDER,
    metavar="DIR",
    help="Folder for layers; later updates and other hosts reuse them. Created if missing. It is of this user alone "
    "(mode 0700), and refused if others own it or may write to it.",
)
LISTEN_OPTION = setting(
    "--listen",
    type=LISTEN,
    metavar="IP:PORT",
    help="Address where other hosts may connect; port 0 is any free port. [default: all IPv4 and IPv6 addresses, on "
    "one free port]",
)
ADVERTISE = setting(
    "--advertise",
    type=PEER,
    metavar="IP:PORT",
    help="Address announced to other hosts, if different. [default: detected]",
)
PEERS = setting(
    "--peer",
    "peers",
    multiple=True,
    type=PEER,
    metavar="IP:PORT",
    help="A host to connect to, besides those found through the store. May be repeated.",
)
REALM_OPTION = setting(
    "--realm",
    type=REALM,
    default=DEFAULT_REALM,
    show_default=True,
    metavar="NAME",
    help="Only hosts of the same realm find each other; give one name to hosts that can reach each other.",
)
STORE_RATE = setting(
    "--store-rate", type=RATE, metavar="R", help="The most that this host takes from the store. [default: no limit]"
)
FLEET_STORE_RATE = setting(
    "--fleet-store-rate",
    type=RATE,
    metavar="R",
    help="Store limit for all hosts of the demo and realm together. Set it on every host; each keeps to its share. "
    "[default: no limit]",
)
UP_RATE = setting(
    "--up-rate", type=RATE, metavar="R", help="The most that this host gives to other hosts. [default: no limit]"
)
DOWN_RATE = setting(
    "--down-rate",
    type=RATE,
    metavar="R",
    help="The most that this host takes from the store and other hosts together. [default: no limit]",
)

USER = setting(
    "--user",
    metavar="NAME",
    help="The user that a process of root becomes when all is here and it only gives to other hosts. It may read the "
    "layers, and write nothing. [default: dcdist, if this host has such a user]",
)

UNITS = (
    "Rates (R) are bytes a second (20MB, 500k, 1.5MiB) or bits a second (160mbit, 1gbit). Addresses are IP:PORT or "
    f"[IPv6]:PORT. {SEVERAL}"
)

LOG_FILE = setting(
    "--log-file",
    type=NEW_FILE,
    metavar="FILE",
    help="Append events to FILE, one JSON object a line, with time, process and source.",
)


def given(chosen: Mapping[str, object]) -> dict[str, object]:
    """The options that were given, or have a default of their own; the rest is as `FetchOptions` has it."""
    return {name: value for name, value in chosen.items() if value is not None}
