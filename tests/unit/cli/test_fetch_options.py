"""Every option of a fetch can be set on the command line and in a call of the library."""

from __future__ import annotations

import dataclasses
from contextlib import nullcontext
from enum import Enum
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import pytest

import dcdist
from dcdist.cli.commands import fetch
from dcdist.engine.fetch_options import FetchOptions, Rates, Reach
from dcdist.engine.flat_options import flat_options
from dcdist.errors import UsageError
from dcdist.node import synchronous
from tests.support.publishing import KEY

if TYPE_CHECKING:
    from collections.abc import Callable

    from dcdist.cli.worker.process import FetchTask
    from dcdist.engine.flat_options import FlatOption

OPTIONS = {option.name: option for option in flat_options()}
WORDS = {
    "rate": ("20MB", 20e6),
    "duration": ("90s", 90.0),
    "ip:port": ("10.0.0.5:6881", ("10.0.0.5", 6881)),
    "directory": ("/other", Path("/other")),
    "file": ("/other", Path("/other")),
    "name": ("other", "other"),
    "id": ("0a" * 16, "0a" * 16),
    "text": ("other", "other"),
}
"""By the type of an option of the command line: a value as it is written and as it is meant."""


def _parameter(option: FlatOption) -> click.Option:
    found = [each for each in fetch.command.params if each.name == option.name]
    assert len(found) == 1, f"no option of the command line sets {option.name}"
    assert isinstance(found[0], click.Option)
    return found[0]


def _other(option: FlatOption) -> tuple[list[str], object]:
    """Words that set an option to another value than its default, and that value."""
    parameter, (flag, *_) = _parameter(option), _parameter(option).opts
    if parameter.is_flag:
        return [flag], not _value(FetchOptions(None, Path("/cache")), option)
    if isinstance(option.kind, type) and issubclass(option.kind, Enum):
        chosen = list(option.kind)[-1]
        return [flag, chosen.value], chosen
    word, value = WORDS[parameter.type.name]
    return [flag, word], (value,) if parameter.multiple else value


def _value(options: FetchOptions, option: FlatOption) -> object:
    return reduce(getattr, option.path, options)


@pytest.fixture
def from_words(monkeypatch: pytest.MonkeyPatch) -> Callable[..., FetchOptions]:
    """What the worker of a fetch with these words is asked to do."""
    asked: list[FetchOptions] = []

    def work_on(task: FetchTask) -> int:
        asked.append(task.options)
        return 0

    def child(work: Callable[[], int]) -> nullcontext[None]:
        work()
        return nullcontext()

    monkeypatch.setattr("dcdist.cli.worker.process.work_on", work_on)
    monkeypatch.setattr(fetch, "Child", child)
    monkeypatch.setattr(fetch, "follow", lambda *_, **__: None)

    def run(*words: str) -> FetchOptions:
        arguments = ["web", "--store", "file:///store", "--trust", __file__, *words]
        for flag in ("--dest", "--cache"):
            arguments += [] if flag in words else [flag, f"/default{flag}"]
        fetch.command.main(arguments, standalone_mode=False)
        return asked[-1]

    return run


@pytest.fixture
def from_call(monkeypatch: pytest.MonkeyPatch) -> Callable[..., FetchOptions]:
    """What `fetch_release` with these keywords is to do."""
    asked: list[FetchOptions] = []

    async def fetch_by_name(_store: object, _wanted: str, options: FetchOptions, **_: object) -> None:
        asked.append(options)

    monkeypatch.setattr(synchronous, "fetch_by_name", fetch_by_name)

    def call(**keywords: Any) -> FetchOptions:  # noqa: ANN401
        dcdist.fetch_release("file:///store", "web", trust=KEY.public, **keywords)
        return asked[-1]

    return call


def test_every_field_is_an_option() -> None:
    groups = (FetchOptions, Rates, Reach)
    leaves = [each.name for group in groups for each in dataclasses.fields(group) if each.type not in groups]
    assert sorted(option.path[-1] for option in OPTIONS.values()) == sorted(leaves)


@pytest.mark.parametrize("name", OPTIONS)
def test_every_option_is_set_by_the_command_line_of_fetch(name: str, from_words: Callable[..., FetchOptions]) -> None:
    words, value = _other(OPTIONS[name])

    assert _value(from_words(*words), OPTIONS[name]) == value
    assert _value(from_words(), OPTIONS[name]) != value


@pytest.mark.parametrize("name", OPTIONS)
def test_every_option_is_set_by_a_call_of_fetch_release(name: str, from_call: Callable[..., FetchOptions]) -> None:
    _, value = _other(OPTIONS[name])
    where: dict[str, object] = {"dest": "/default", "cache": "/default"}

    assert _value(from_call(**where | {name: value}), OPTIONS[name]) == value
    assert _value(from_call(**where), OPTIONS[name]) != value


@pytest.mark.parametrize("name", [name for name, option in OPTIONS.items() if not _parameter(option).is_flag])
def test_what_the_command_line_takes_a_call_takes_too(name: str, from_call: Callable[..., FetchOptions]) -> None:
    (_, word), value = _other(OPTIONS[name])
    written = [word] if _parameter(OPTIONS[name]).multiple else word

    assert _value(from_call(**{"dest": "/default", "cache": "/default"} | {name: written}), OPTIONS[name]) == value


@pytest.mark.parametrize("flag", ["--dest", "--cache", "--trace"])
def test_an_empty_path_is_not_the_working_directory(flag: str, from_words: Callable[..., FetchOptions]) -> None:
    with pytest.raises(click.BadParameter, match="the path is empty"):
        from_words(flag, "")


def test_what_is_not_said_on_the_command_line_is_as_the_library_has_it(
    from_words: Callable[..., FetchOptions],
) -> None:
    made = from_words()
    assert made == FetchOptions(made.dest, made.cache, seed_for=600.0)


@pytest.mark.parametrize(
    "words",
    [
        ["--listen", "10.0.0.5:6881"],
        ["--advertise", "10.0.0.5:6881"],
        ["--peer", "10.0.0.5:6881"],
        ["--realm", "blue"],
        ["--up-rate", "1MB"],
        ["--seed-for", "1h"],
    ],
)
def test_what_says_nothing_of_a_host_that_fetches_alone_is_refused_unless_a_variable_says_it(
    words: list[str], from_words: Callable[..., FetchOptions], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match=f"{words[0]} has no effect with --no-swarm: omit one of them"):
        from_words("--no-swarm", *words)

    monkeypatch.setenv("DCDIST_" + words[0].removeprefix("--").replace("-", "_").upper(), words[1])
    assert from_words("--no-swarm") == from_words("--no-swarm", "--seed-for", "0")


def test_paths_are_absolute_for_the_process_that_goes_on(
    from_words: Callable[..., FetchOptions], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    made = from_words("--dest", "images", "--cache", "cache", "--trace", "trace")
    assert (made.dest, made.cache, made.trace) == (tmp_path / "images", tmp_path / "cache", tmp_path / "trace")


@pytest.mark.parametrize("dest", ["cache/layers", "cache/layers/web"])
def test_images_do_not_go_among_the_layers_of_the_cache(
    dest: str, from_words: Callable[..., FetchOptions], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=f"--dest .*{dest}, where the cache keeps its layers: choose a folder outside"):
        from_words("--dest", dest, "--cache", str(tmp_path / "cache"))
    assert from_words("--dest", "cache/layers-of-web", "--cache", "cache").dest == tmp_path / "cache/layers-of-web"


def test_options_come_whole_or_one_by_one_not_both(from_call: Callable[..., FetchOptions], tmp_path: Path) -> None:
    whole = FetchOptions(tmp_path / "images", tmp_path / "cache", rates=Rates(store=1e6))

    assert from_call(options=whole) is whole
    with pytest.raises(dcdist.errors.UsageError, match="not both: cache, dest"):
        from_call(options=whole, dest=tmp_path, cache=tmp_path)
