"""From flat names, as the command line and `fetch_release` take them, to `FetchOptions`.

Invariant: the fields of the dataclasses are the only list of options; what is not one of them is refused.
"""

from __future__ import annotations

import dataclasses
from enum import Enum
from pathlib import Path
from types import UnionType
from typing import TYPE_CHECKING, Any, TypeVar, get_args, get_origin

from dcdist.engine.fetch_options import FetchOptions
from dcdist.errors import UsageError
from dcdist.model.identity import Address

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Group = TypeVar("Group")

_TUPLES: Mapping[object, str] = {
    tuple[str, ...]: "a list of names",
    Address: "an address (host, port)",
    tuple[Address, ...]: "a list of addresses (host, port)",
}
"""In words: the types of options that hold several values."""


@dataclasses.dataclass(frozen=True, slots=True)
class FlatOption:
    """One option: its flat name, the fields that lead to it from `FetchOptions`, and its type."""

    name: str
    path: tuple[str, ...]
    kind: object
    required: bool


def flat_options(group: type = FetchOptions, path: tuple[str, ...] = (), name: str = "{}") -> Iterator[FlatOption]:
    """Every option of a fetch. A group of options says in its field's metadata how its names are made flat."""
    for each in dataclasses.fields(group):
        here = (*path, each.name)
        if isinstance(each.type, type) and dataclasses.is_dataclass(each.type):
            yield from flat_options(each.type, here, each.metadata.get("flat", "{}"))
        else:
            yield FlatOption(name.format(each.name), here, each.type, each.default is dataclasses.MISSING)


def fetch_options(**flat: object) -> FetchOptions:
    """The options with these names: `dest`, `cache`, `store_rate`, `listen`, ...

    Paths may be strings, and the values of `Prefer` and `Order` their words.

    Raises:
        UsageError: There is no such option, one is missing or of the wrong type, or two contradict each other.
    """
    known = {option.name: option for option in flat_options()}
    if unknown := sorted(flat.keys() - known):
        raise UsageError(f"a fetch has no option {unknown[0]!r}; it has: {', '.join(known)}")
    if missing := [name for name, option in known.items() if option.required and name not in flat]:
        raise UsageError(f"the option {missing[0]!r} is missing")
    return _group(FetchOptions, (), {known[name].path: _checked(known[name], value) for name, value in flat.items()})


def _group(kind: type[Group], path: tuple[str, ...], values: Mapping[tuple[str, ...], object]) -> Group:
    """The dataclass `kind` at `path`, with what `values` has for it."""
    fields: dict[str, object] = {}
    for each in dataclasses.fields(kind):  # type: ignore[arg-type]
        here = (*path, each.name)
        if here in values:
            fields[each.name] = values[here]
        elif isinstance(each.type, type) and dataclasses.is_dataclass(each.type):
            fields[each.name] = _group(each.type, here, values)
    return kind(**fields)


def _checked(option: FlatOption, value: object) -> object:
    try:
        return _value(option.kind, value)
    except (TypeError, ValueError):
        raise UsageError(f"{option.name}={value!r} is invalid: it must be {_words(option.kind)}") from None


def _value(kind: object, value: object) -> object:
    """`value` as a `kind`, or a TypeError or ValueError."""
    parts: tuple[Any, ...] = get_args(kind)
    if isinstance(kind, UnionType):
        return None if value is None else _value(parts[0], value)
    if get_origin(kind) is tuple:
        if not isinstance(value, tuple | list):
            raise TypeError
        kinds = parts[:1] * len(value) if parts[-1] is Ellipsis else parts
        return tuple(_value(each, item) for each, item in zip(kinds, value, strict=True))
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(value)
    accepted: Any = {Path: str | Path, float: int | float}.get(kind, kind)  # type: ignore[call-overload]
    if not isinstance(value, accepted) or (isinstance(value, bool) and kind is not bool):
        raise TypeError
    return Path(value) if isinstance(value, str) and kind is Path else value


def _words(kind: object) -> str:
    if isinstance(kind, type) and issubclass(kind, Enum):
        return "one of " + ", ".join(str(each.value) for each in kind)
    if isinstance(kind, UnionType):
        return f"{_words(get_args(kind)[0])} or None"
    return _TUPLES[kind] if kind in _TUPLES else str(getattr(kind, "__name__", kind))
