"""What a planner was told and what it said, as lines of JSON: one schema for real fetches and simulations.

The first line has the version of the schema, the planner's options and the rules that are off; every other one a time,
and either an event or the commands that were given then, each draw with its reason. Replayed through a new planner, a
trace gives the same commands.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from typing import TYPE_CHECKING, get_args

from dcdist.errors import FormatError, NewerFormatError
from dcdist.model.geometry import Geometry
from dcdist.model.member import Member, Role
from dcdist.policy.planner import Planner
from dcdist.policy.planner_commands import Command, Reason
from dcdist.policy.planner_events import Event, Failure
from dcdist.policy.planner_options import PlannerOptions
from dcdist.policy.preference import PREFERENCES, Preference
from dcdist.policy.rules import Rule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

VERSION = 4

Plain = None | bool | int | float | str | list["Plain"] | dict[str, "Plain"]

_PLAIN_INTEGER = 1 << 53
"""Larger ones are sets of pieces, or of no use to readers in other languages: they are written in hexadecimal."""

_VALUES: dict[str, type] = {
    each.__name__: each for each in (*get_args(Event), *get_args(Command), PlannerOptions, Geometry, Member)
}
_ENUMS: dict[str, type[Enum]] = {"Role": Role, "Failure": Failure, "Reason": Reason}


class RecordedPlanner(Planner):
    """A planner that writes down what it is told and what it says, a line at a time."""

    def __init__(
        self, options: PlannerOptions, write: Callable[[str], None], without: frozenset[Rule] = frozenset()
    ) -> None:
        super().__init__(options, without)
        self._write = write
        off: Plain = [str(rule) for rule in sorted(without)]
        write(_line({"trace": VERSION, "options": to_plain(options), "without": off}))

    def receive(self, event: Event, *, now: float) -> None:
        """Take in one event."""
        self._write(_line({"at": now, "event": to_plain(event)}))
        super().receive(event, now=now)

    def commands(self, *, now: float) -> list[Command]:
        """What to do now."""
        commands = super().commands(now=now)
        self._write(_line({"at": now, "commands": [to_plain(command) for command in commands]}))
        return commands


@dataclass(frozen=True, slots=True)
class Step:
    """One moment of a replay: the commands that were recorded and those that a planner gives now; `line` from 1."""

    line: int
    at: float
    recorded: tuple[Command, ...]
    given: tuple[Command, ...]

    @property
    def same(self) -> bool:
        """Whether they are equal."""
        return self.recorded == self.given


def replay(lines: Iterable[str], without: frozenset[Rule] = frozenset()) -> Iterator[Step]:
    """Tell a new planner what a recorded one was told. `without`: rules that are off, beside those that were.

    Raises:
        FormatError: It is no trace, or an older one, or has events that this version does not know.
        NewerFormatError: It was written by a newer version.
    """
    planner: Planner | None = None
    for number, line in enumerate(lines, start=1):
        entry = _read(line, number)
        if isinstance(entry, _Beginning):
            planner = Planner(entry.options, entry.without | without)
            continue
        if planner is None:
            raise FormatError("the trace does not begin with its version and the planner's options")
        at, event, recorded = entry
        if event is not None:
            planner.receive(event, now=at)
        else:
            yield Step(number, at, recorded, tuple(planner.commands(now=at)))


@dataclass(frozen=True, slots=True)
class _Beginning:
    options: PlannerOptions
    without: frozenset[Rule]


_Entry = tuple[float, Event | None, tuple[Command, ...]]


def _read(line: str, number: int) -> _Beginning | _Entry:
    try:
        found = json.loads(line)
        if found.get("trace", VERSION) > VERSION:
            message = f"the trace has version {found['trace']}; this program reads up to {VERSION}"
            raise NewerFormatError(message, needed=found["trace"])
        if found.get("trace", VERSION) < VERSION:
            raise FormatError(f"the trace has version {found['trace']}; this program reads version {VERSION}")
        if "trace" in found:
            return _Beginning(_options(found["options"]), frozenset(map(Rule, found["without"])))
        if "event" in found:
            return found["at"], _event(found["event"]), ()
        return found["at"], None, tuple(_command(each) for each in found["commands"])
    except (ValueError, KeyError, TypeError, AttributeError) as fault:
        raise FormatError(f"line {number} of the trace cannot be read: {fault!r}") from fault


def to_plain(value: object) -> Plain:
    """A value of the planner's world in plain ones.

    Dataclasses become objects with their name under `is`, enumerations their name under `of`, large integers
    hexadecimal digits under `hex`, a preference its name under `prefer`.

    Raises:
        TypeError: It cannot be written.
    """
    if isinstance(value, Preference):
        return {"prefer": value.name}
    if isinstance(value, Enum):
        return {"of": type(value).__name__, "name": value.name}
    if isinstance(value, int) and not isinstance(value, bool) and value >= _PLAIN_INTEGER:
        return {"hex": f"{value:x}"}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, tuple):
        return [to_plain(each) for each in value]
    if is_dataclass(value) and type(value).__name__ in _VALUES:
        plain: dict[str, Plain] = {"is": type(value).__name__}
        plain |= {field.name: to_plain(getattr(value, field.name)) for field in fields(value)}
        return plain
    raise TypeError(f"{type(value).__name__} is not part of a trace")


def _from_plain(plain: Plain) -> object:
    if isinstance(plain, list):
        return tuple(_from_plain(each) for each in plain)
    if not isinstance(plain, dict):
        return plain
    if "prefer" in plain:
        return PREFERENCES[str(plain["prefer"])]
    if "hex" in plain:
        return int(str(plain["hex"]), 16)
    if "of" in plain:
        return _ENUMS[str(plain["of"])][str(plain["name"])]
    values = {name: _from_plain(each) for name, each in plain.items() if name != "is"}
    return _VALUES[str(plain["is"])](**values)


def _options(plain: Plain) -> PlannerOptions:
    value = _from_plain(plain)
    if not isinstance(value, PlannerOptions):
        raise TypeError(f"{type(value).__name__} where options should be")
    return value


def _event(plain: Plain) -> Event:
    value = _from_plain(plain)
    if not isinstance(value, Event):
        raise TypeError(f"{type(value).__name__} where an event should be")
    return value


def _command(plain: Plain) -> Command:
    value = _from_plain(plain)
    if not isinstance(value, Command):
        raise TypeError(f"{type(value).__name__} where a command should be")
    return value


def _line(value: Plain) -> str:
    return json.dumps(value, separators=(",", ":")) + "\n"
