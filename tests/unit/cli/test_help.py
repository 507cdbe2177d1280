"""The help says what there is, and so do the docs."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from dcdist.cli.application import application
from dcdist.cli.faults import exit_codes

DOCS = (Path(__file__).parents[3] / "docs" / "command-line.md").read_text()
COMMANDS = ["keygen", "publish", "ls", "show", "fetch", "seed", "verify", "doctor"]


def _command(name: str) -> click.Command:
    command = application.get_command(click.Context(application), name)
    assert command is not None
    return command


def _help(command: click.Command, name: str) -> str:
    return command.get_help(click.Context(command, info_name=name))


def _options(name: str) -> set[str]:
    return {word for option in _command(name).params for word in option.opts if word.startswith("--")}


def test_the_commands_are_these_in_this_order() -> None:
    assert application.list_commands(click.Context(application)) == COMMANDS


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("keygen", {"--out"}),
        (
            "publish",
            {"--store", "--key", "--metadata", "--level", "--stdin-name", "--allow-empty", "--other-signer"}
            | {"--trust", "--line", "--new-line", "--replaces", "--log-file"},
        ),
        ("ls", {"--store", "--trust"}),
        ("show", {"--store", "--trust", "--line"}),
        (
            "fetch",
            {
                "--store", "--trust", "--line", "--dest", "--cache", "--image", "--metadata-only", "--check",
                "--listen", "--advertise", "--peer", "--realm", "--no-swarm", "--no-store", "--prefer", "--order",
                "--store-rate", "--fleet-store-rate", "--up-rate", "--down-rate", "--seed-for", "--user", "--trace",
                "--log-file",
            },
        ),
        (
            "seed",
            {
                "--store", "--trust", "--line", "--cache", "--listen", "--advertise", "--peer", "--realm",
                "--store-rate", "--fleet-store-rate", "--up-rate", "--user", "--log-file",
            },
        ),
        ("verify", {"--store", "--trust", "--dest"}),
        (
            "doctor",
            {"--store", "--trust", "--line", "--demo", "--cache", "--dest", "--listen", "--advertise", "--peer"}
            | {"--realm"},
        ),
    ],
)  # fmt: skip
def test_the_words_of_a_command_stay(name: str, options: set[str]) -> None:
    assert _options(name) == options | {"--json", "--debug"}


@pytest.mark.parametrize("name", COMMANDS)
def test_help_has_an_example_and_says_something_of_every_option(name: str) -> None:
    command = _command(name)
    text = _help(command, name)
    assert re.search(rf"Examples?:\s+python -m dcdist {name} |python -m dcdist {name} ", text)
    assert all(isinstance(each, click.Argument) or getattr(each, "help", None) for each in command.params)
    assert {option for option in _options(name) if option not in text} == set()


@pytest.mark.parametrize("name", COMMANDS)
def test_the_docs_have_every_option(name: str) -> None:
    section = DOCS.split(f"\n## {name}\n")[1].split("\n## ")[0] + DOCS.split("\n## All commands\n")[1].split("\n## ")[0]
    assert {option for option in _options(name) if f"`{option}" not in section} == set()


def test_help_and_docs_list_the_exit_codes() -> None:
    text = _help(application, "dcdist")
    for code, meaning in exit_codes():
        assert re.search(rf"^  {code} +{re.escape(meaning)}", text, re.MULTILINE)
        assert f"| {code} | {meaning}" in DOCS
