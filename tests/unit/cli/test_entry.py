"""Faults are told as the command was asked to, which click knows better than a search for `--json` does."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING

import pytest

from dcdist.cli.entry import run

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _signals_stay() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(
    "arguments",
    [
        ["fetch", "--json"],
        ["fetch", "web", "--no-such-option", "--json"],
        ["fetch", "web", "--json", "--prefer", "money"],
        ["ls", "--json", "--store", "ftp://x"],
        ["no-such-command", "--json"],
    ],
)
def test_a_fault_is_json_when_json_is_asked_for(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    code = run(arguments)

    told = capsys.readouterr()
    assert (code, json.loads(told.out)["exit_code"], told.err) == (2, 2, "")
    assert "--help" not in json.loads(told.out)["message"]


def test_people_are_told_how_to_get_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["fetch", "web", "--no-such-option"]) == 2
    (told,) = capsys.readouterr().err.splitlines()[1:]
    assert told.startswith("Try '")
    assert told.endswith(" fetch --help'.")


@pytest.mark.parametrize(
    "arguments",
    [
        ["fetch", "web", "--image", "--json"],
        ["fetch", "web", "--", "--json"],
        ["publish", "web@1", "--key", __file__, "--store", "ftp://x", "--", "--json"],
    ],
)
def test_a_name_or_file_called_json_asks_for_nothing(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    code = run(arguments)

    told = capsys.readouterr()
    assert code != 0
    assert told.out == ""
    assert told.err.startswith("dcdist: ")


@pytest.mark.parametrize("command", ["keygen", "publish", "ls", "show", "fetch", "seed", "verify"])
@pytest.mark.parametrize("option", ["-h", "--help"])
def test_every_command_has_a_short_and_a_long_option_for_help(
    command: str, option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([command, option]) == 0
    assert "-h, --help" in capsys.readouterr().out


def test_a_name_for_standard_input_without_standard_input_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["publish", "web@1", __file__, "--key", __file__, "--store", "file:///x", "--stdin-name", "web.xva"]
    assert run(words) == 2
    assert "--stdin-name names what is read from standard input" in capsys.readouterr().err


def test_a_release_in_place_of_a_demo_is_told_with_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["ls", "web@1", "--store", "file:///x"]) == 2
    assert "`ls web` lists the releases of a demo, `show web@1` shows this one" in capsys.readouterr().err


WITH_PASSWORD = "https://joe:s3cret@example.com/x"


@pytest.mark.parametrize(
    "arguments",
    [
        [WITH_PASSWORD],
        ["ls", WITH_PASSWORD],
        ["ls", "web", WITH_PASSWORD],
        ["show", WITH_PASSWORD],
        ["ls", "--store", WITH_PASSWORD + "?a=b"],
        ["ls", "--store", "https://joe:s3'c\"r#e t@x/s3cret@\r"],
        ["fetch", "web", f"--trust={WITH_PASSWORD}"],
        ["fetch", "web", "--peer", WITH_PASSWORD],
        ["fetch", "web", "--store-rate", WITH_PASSWORD],
        ["fetch", "web", "--prefer", f"x {WITH_PASSWORD}"],
        ["fetch", "web", "--realm", "https://joe:s3'cret@example.com"],
        ["fetch", "web", f"--stroe={WITH_PASSWORD}"],
    ],
)
@pytest.mark.parametrize("style", [[], ["--json"]])
def test_what_is_said_of_arguments_shows_no_password(
    arguments: list[str], style: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*arguments, *style]) == 2

    told = capsys.readouterr()
    for part in ("s3cret", "s3'", "cret@"):
        assert part not in told.out + told.err


@pytest.mark.parametrize(("variable", "value"), [("STORE", "{}\r"), ("PEER", "10.0.0.1:6881 {}"), ("TRUST", "/x:{}")])
def test_what_is_said_of_variables_shows_no_password(
    variable: str, value: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"DCDIST_{variable}", value.format(WITH_PASSWORD))
    given = {"STORE": "file:///x", "TRUST": __file__, "DEST": "/x", "CACHE": "/x"}
    options = [word for name, each in given.items() if name != variable for word in (f"--{name.lower()}", each)]
    assert run(["fetch", "web", *options]) == 2

    told = capsys.readouterr()
    assert variable.lower() in told.err
    assert "s3cret" not in told.out + told.err


def test_what_is_said_of_an_argument_still_names_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["fetch", "web", "--peer", WITH_PASSWORD]) == 2
    assert "'--peer': 'https://example.com/x' is not an address: write IP:PORT" in capsys.readouterr().err
