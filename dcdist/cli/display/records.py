"""Events as JSON objects, one a line, and back: for programs, and between a fetch and its worker process.

An event's name is that of its class in lower case with `_`, unless the class has an `event` name; its keys are its
fields.
"""

from __future__ import annotations

import dataclasses
import re
from enum import Enum
from typing import TYPE_CHECKING, get_args

from dcdist.engine.fetch_events import Counted, FetchEvent, MemberCounts, Trouble
from dcdist.model.identity import ReleaseName

if TYPE_CHECKING:
    from dcdist.cli.faults import Json

_FETCH_EVENTS = {each.__name__: each for each in get_args(FetchEvent)}


def record(event: object) -> dict[str, Json]:
    """An event, or any dataclass of plain values, as a JSON object."""
    plain = _plain(event)
    if not isinstance(plain, dict):
        raise TypeError(f"{event!r} is not an event")
    return {"event": getattr(event, "event", None) or _snake(type(event).__name__), **plain}


def fetch_event(found: dict[str, Json]) -> FetchEvent | None:
    """The event of a fetch that `record` wrote; None if it is not one."""
    name = str(found.get("event", ""))
    kind = _FETCH_EVENTS.get("".join(word.capitalize() for word in name.split("_")))
    if kind is None:
        return None
    values: dict[str, object] = {each.name: found.get(each.name) for each in dataclasses.fields(kind)}
    if isinstance(release := values.get("release"), str):
        values["release"] = ReleaseName.parse(release)
    if isinstance(counted := values.get("bytes"), dict):
        values["bytes"] = Counted(**counted)
    if isinstance(members := values.get("members"), dict):
        values["members"] = MemberCounts(**members)
    if "kind" in values:
        values["kind"] = Trouble(str(values["kind"]))
    event: FetchEvent = kind(**values)
    return event


def _plain(value: object) -> Json:
    match value:
        case None | str() | bool() | int():
            return value
        case float():
            # JSON has no infinity.
            return None if value in (float("inf"), float("-inf")) else round(value, 3)
        case Enum():
            return _plain(value.value)
        case ReleaseName():
            return str(value)
        case bytes():
            return value.hex()
        case tuple() | list():
            return [_plain(each) for each in value]
        case dict():
            return {str(key): _plain(each) for key, each in value.items()}
        case _ if dataclasses.is_dataclass(value):
            return {each.name: _plain(getattr(value, each.name)) for each in dataclasses.fields(value)}
        case _:
            raise TypeError(f"{value!r} cannot be written as JSON")


def _snake(name: str) -> str:
    return re.sub("(?<!^)(?=[A-Z])", "_", name).lower()
