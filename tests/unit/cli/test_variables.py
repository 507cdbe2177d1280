"""Options that an environment variable gives where the command line does not."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest

import dcdist
from dcdist.cli.application import application
from dcdist.cli.commands import publish, shared_options
from dcdist.cli.commands.variables import VariableOption, naming_variables, setting
from dcdist.cli.faults import Fault, ReportedError
from dcdist.errors import StoreMissingError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping


def _commands() -> list[click.Command]:
    ctx = click.Context(application)
    commands = [application.get_command(ctx, name) for name in application.list_commands(ctx)]
    return [command for command in commands if command is not None]


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("DCDIST_")]:
        monkeypatch.delenv(name)


def _asked(*words: str, variables: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """What a command with some settings understands."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    asked: dict[str, object] = {}

    @click.command("try")
    @setting("--store")
    @setting("--trust", multiple=True, type=click.Path(path_type=Path))
    @setting("--peer", "peers", multiple=True, type=shared_options.PEER)
    @setting("--store-rate", type=shared_options.RATE)
    def command(**given: object) -> None:
        asked.update(given)

    command.main(list(words), standalone_mode=False)
    return asked


def test_what_repeats_from_command_to_command_has_a_variable() -> None:
    options = [each for command in _commands() for each in command.params if isinstance(each, click.Option)]
    repeated = {flag for flag, count in Counter(each.opts[0] for each in options).items() if count > 1}

    without = {each.opts[0] for each in options if not isinstance(each, VariableOption)}
    assert repeated & without == {"--json", "--debug"}
    assert {each.variable for each in options if isinstance(each, VariableOption)} == {
        "DCDIST_STORE", "DCDIST_TRUST", "DCDIST_CACHE", "DCDIST_DEST", "DCDIST_LISTEN", "DCDIST_ADVERTISE",
        "DCDIST_PEER", "DCDIST_REALM", "DCDIST_STORE_RATE", "DCDIST_FLEET_STORE_RATE", "DCDIST_UP_RATE",
        "DCDIST_DOWN_RATE", "DCDIST_LINE", "DCDIST_SEED_FOR", "DCDIST_PREFER", "DCDIST_KEY", "DCDIST_LOG_FILE",
        "DCDIST_USER",
    }  # fmt: skip


def test_help_shows_the_variables() -> None:
    text = publish.command.get_help(click.Context(publish.command))
    assert "[env var: DCDIST_KEY" in " ".join(text.split())


def test_a_variable_gives_what_the_command_line_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    variables = {
        "DCDIST_STORE": "file:///srv",
        "DCDIST_STORE_RATE": "20MB",
        "DCDIST_TRUST": "/a.pub:/b.pub",
        "DCDIST_PEER": "10.0.0.5:6881 [fd00::5]:6881",
    }
    assert _asked("--store", "swift://demos", variables=variables, monkeypatch=monkeypatch) == {
        "store": "swift://demos",
        "store_rate": 20e6,
        "trust": (Path("/a.pub"), Path("/b.pub")),
        "peers": (("10.0.0.5", 6881), ("fd00::5", 6881)),
    }


def test_an_empty_variable_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = _asked(variables={"DCDIST_STORE": "", "DCDIST_TRUST": ""}, monkeypatch=monkeypatch)
    assert (asked["store"], asked["trust"]) == (None, ())


def test_an_empty_part_of_a_variable_is_not_a_value(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = _asked(variables={"DCDIST_TRUST": ":/a.pub::/b.pub:"}, monkeypatch=monkeypatch)
    assert asked["trust"] == (Path("/a.pub"), Path("/b.pub"))


def test_a_value_that_cannot_be_read_is_told_with_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(click.BadParameter) as caught:
        _asked(variables={"DCDIST_STORE_RATE": "20Mb"}, monkeypatch=monkeypatch)
    assert (
        "Invalid value for '--store-rate' (env var: 'DCDIST_STORE_RATE'): '20Mb' may mean"
        in caught.value.format_message()
    )

    with pytest.raises(click.BadParameter) as caught:
        _asked("--store-rate", "20Mb", variables={}, monkeypatch=monkeypatch)
    assert "DCDIST" not in caught.value.format_message()


def test_a_line_end_of_a_file_with_crlf_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(click.BadParameter, match="DCDIST_STORE has a line end") as caught:
        _asked(variables={"DCDIST_STORE": "https://joe:s3cret@example.com/x\r"}, monkeypatch=monkeypatch)
    assert "s3cret" not in caught.value.format_message()


@pytest.mark.parametrize(
    ("message", "origin"),
    [
        ("file:///srv does not exist", "; --store is from DCDIST_STORE"),
        ("--store (store) is wrong", "; --store is from DCDIST_STORE"),
        ("--store-rate is wrong", ""),
        ("realm blue is empty", ""),
        ("/given is full", ""),
        ("cannot listen on 203.0.113.9 port 7000 (TCP): no such address", "; --listen is from DCDIST_LISTEN"),
        ("[fd00::5]:6881 is not an address of this host", "; --advertise is from DCDIST_ADVERTISE"),
        ("10.0.0.6:6881 hung up", "; --peer is from DCDIST_PEER"),
        ("nobody listens on port 7000", ""),
        ("cannot write /images/web.img", "; --dest is from DCDIST_DEST"),
    ],
)
def test_a_later_error_names_the_variable_of_the_value_it_speaks_of(
    message: str, origin: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DCDIST_STORE", "file:///srv")
    monkeypatch.setenv("DCDIST_REALM", "blue")
    monkeypatch.setenv("DCDIST_LISTEN", "203.0.113.9:7000")
    monkeypatch.setenv("DCDIST_ADVERTISE", "[fd00::5]:6881")
    monkeypatch.setenv("DCDIST_PEER", "10.0.0.5:6881 10.0.0.6:6881")
    monkeypatch.setenv("DCDIST_DEST", "/images/")

    @click.command("try")
    @setting("--store")
    @setting("--realm")
    @setting("--cache")
    @setting("--dest")
    @setting("--listen", type=shared_options.LISTEN)
    @setting("--advertise", type=shared_options.PEER)
    @setting("--peer", "peers", multiple=True, type=shared_options.PEER)
    @setting("--store-rate")
    def command(**_: object) -> None:
        """Nothing."""

    ctx = command.make_context("try", ["--cache", "/given"])
    with pytest.raises(StoreMissingError) as ours, naming_variables(ctx):
        raise StoreMissingError(message)
    with pytest.raises(ReportedError) as theirs, naming_variables(ctx):
        raise ReportedError(Fault("StoreMissingError", message, 3))

    assert str(ours.value) == theirs.value.fault.message == message + origin


def test_an_error_names_the_variable_of_a_store_whose_credentials_it_does_not_show(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DCDIST_STORE", "https://user:secret@host/demos/")

    @click.command("try")
    @setting("--store")
    def command(**_: object) -> None:
        """Nothing."""

    with pytest.raises(StoreMissingError) as told, naming_variables(command.make_context("try", [])):
        raise StoreMissingError("https://host/demos does not answer")
    assert str(told.value) == "https://host/demos does not answer; --store is from DCDIST_STORE"


def test_the_library_reads_no_variable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DCDIST_CACHE", str(tmp_path / "cache"))
    with pytest.raises(UsageError, match="'cache' is missing"):
        dcdist.fetch_release("file:///store", "web", trust="key", dest=tmp_path)
