"""From flat names, as the command line and `fetch_release` take them, to `FetchOptions`.

Invariant: the fields of the dataclasses are the only list of options; what is not one of them is refused.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, TypeVar

from dcdist.engine.fetch_options import FetchOptions
from dcdist.engine.option_values import checked
from dcdist.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Group = TypeVar("Group")


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

    Values may be written as on the command line: paths, rates (`20MB`), durations (`10m`), addresses (`10.0.0.5:6881`),
    and the words of `Prefer` and `Order`.

    Raises:
        UsageError: There is no such option, one is missing or invalid, or two contradict each other.
    """
    known = {option.name: option for option in flat_options()}
    if unknown := sorted(flat.keys() - known):
        raise UsageError(f"a fetch has no option {unknown[0]!r}; it has: {', '.join(known)}")
    if missing := [name for name, option in known.items() if option.required and name not in flat]:
        raise UsageError(f"the option {missing[0]!r} is missing")
    values = {
        known[name].path: checked(known[name].kind, value, name=name, from_text=True) for name, value in flat.items()
    }
    return _group(FetchOptions, (), values)


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
