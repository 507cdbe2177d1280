"""What the value of an option may be: each type here has a rule that checks it, and reads it from text.

Invariant: what passes is in its usual form, and needs no other check later.
"""

# No `from __future__ import annotations`: `checked` reads these types when it runs.
from collections.abc import Callable
from dataclasses import dataclass, fields
from enum import Enum
from functools import partial
from pathlib import Path
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Union, get_args, get_origin

from dcdist.errors import UsageError
from dcdist.model.identity import Address, LineId, require_line, require_word
from dcdist.model.option_text import parse_address, parse_duration, parse_rate, usable_address, usable_rate

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


@dataclass(frozen=True, slots=True)
class OptionRule:
    """What holds of an option's value.

    `words` names the type. `check` returns the value in its usual form, or raises a TypeError if it is of another type
    and a UsageError if it is none that can be used. `parse` does the same from text, as the command line has it.
    """

    words: str
    check: Callable[[object], object]
    parse: Callable[[str], object]


def _number(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise TypeError
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def _rate(value: object) -> float:
    return usable_rate(_number(value), value)


def _duration(value: object) -> float:
    seconds = _number(value)
    if not seconds >= 0:
        raise UsageError(f"{value!r} is not a duration: give seconds, 0 or more")
    return seconds


def _address(value: object, *, any_port: bool) -> Address:
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise TypeError
    host, port = value
    if not isinstance(host, str) or not isinstance(port, int) or isinstance(port, bool):
        raise TypeError
    return usable_address((host, port), tuple(value), any_port=any_port)


def _name(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return require_word(value, what="name")


def _line(value: object) -> LineId:
    if not isinstance(value, str):
        raise TypeError
    return require_line(value, or_none=True)


def _path(value: object) -> Path:
    if not isinstance(value, Path):
        raise TypeError
    if "\0" in str(value):
        raise UsageError(f"{str(value)!r} is not a path: it has a null character")
    try:
        str(value.absolute()).encode()
    except UnicodeEncodeError:
        raise UsageError(
            f"{str(value.absolute())!r} cannot be used: it is not UTF-8, which libtorrent needs; choose another path"
        ) from None
    except FileNotFoundError:
        raise UsageError(
            f"{str(value)!r} cannot be used: it begins in the working directory, which does not exist; write it from /"
        ) from None
    return value


def parse_path(text: str) -> Path:
    """The path as it is written; an empty one is most likely a variable that is not set.

    Raises:
        UsageError: It is empty, or cannot be used.
    """
    if not text:
        raise UsageError("the path is empty; write . for the working directory")
    return _path(Path(text))


Rate = Annotated[float, OptionRule("float", _rate, parse_rate)]
"""Bytes a second, at least 1."""
Duration = Annotated[float, OptionRule("float", _duration, parse_duration)]
"""Seconds, 0 or more, or infinite."""
ListenAddress = Annotated[
    Address,
    OptionRule("an address (host, port)", partial(_address, any_port=True), partial(parse_address, any_port=True)),
]
"""An address of this host: port 0 is any free one, and the address may be that of all interfaces."""
PeerAddress = Annotated[
    Address, OptionRule("an address (host, port)", partial(_address, any_port=False), parse_address)
]
"""An address to connect to."""
Name = Annotated[str, OptionRule("str", _name, _name)]
"""As demos and realms are named."""
Line = Annotated[LineId, OptionRule("str", _line, _line)]
"""The id of a line, or NO_LINE."""
PathOption = Annotated[Path, OptionRule("Path", _path, parse_path)]

_LISTS = {tuple[str, ...]: "a list of names", tuple[PeerAddress, ...]: "a list of addresses (host, port)"}
"""In words: the types of options that hold several values."""


def checked(kind: object, value: object, *, name: str, from_text: bool = False) -> object:
    """An option's value as its type `kind` has it; `name` is the option as the caller wrote it.

    With `from_text` a value may be written as on the command line.

    Raises:
        UsageError: It is of another type, or cannot be used.
    """
    try:
        return _value(kind, value, from_text=from_text)
    except (TypeError, ValueError):
        raise UsageError(f"{name}={value!r} is invalid: it must be {_words(kind)}") from None
    except UsageError as error:
        raise UsageError(f"{name}: {error}") from None


def checked_path(value: object, *, name: str) -> Path:
    """A path, which may be given as a string.

    Raises:
        UsageError: It is neither, or cannot be used.
    """
    path = checked(PathOption, value, name=name, from_text=True)
    assert isinstance(path, Path)
    return path


def check_fields(group: "DataclassInstance") -> None:
    """Check the fields of a group of options as it is made, and bring them to their usual form.

    Raises:
        UsageError: One of them is of another type, or cannot be used.
    """
    for each in fields(group):
        value = checked(each.type, getattr(group, each.name), name=f"{type(group).__name__}.{each.name}")
        object.__setattr__(group, each.name, value)


def _value(kind: object, value: object, *, from_text: bool) -> object:
    """`value` as a `kind`, or a TypeError, ValueError or UsageError."""
    origin, parts = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return None if value is None else _value(parts[0], value, from_text=from_text)
    if origin is Annotated:
        rule: OptionRule = parts[1]
        return rule.parse(value) if from_text and isinstance(value, str) else rule.check(value)
    if origin is tuple:
        if not isinstance(value, tuple | list):
            raise TypeError
        return tuple(_value(parts[0], item, from_text=from_text) for item in value)
    assert isinstance(kind, type)
    if issubclass(kind, Enum):
        return kind(value)
    if not isinstance(value, kind):
        raise TypeError
    return value


def _words(kind: object) -> str:
    parts = get_args(kind)
    if get_origin(kind) in (Union, UnionType):
        return f"{_words(parts[0])} or None"
    if get_origin(kind) is Annotated:
        rule: OptionRule = parts[1]
        return rule.words
    if kind in _LISTS:
        return _LISTS[kind]
    if isinstance(kind, type) and issubclass(kind, Enum):
        return "one of " + ", ".join(str(each.value) for each in kind)
    return str(getattr(kind, "__name__", kind))
