"""Somebody reads what commands print and log, and looks for passwords of URLs, keys and tokens.

Nothing that is said shows one, however the URL is written that has it, and whatever goes wrong.
"""

from __future__ import annotations

import itertools
import signal
import traceback
from functools import partial
from typing import TYPE_CHECKING

import pytest

from dcdist.cli.entry import run
from dcdist.cli.faults import fault_of
from dcdist.policy.requests.retry import Backoff
from dcdist.store import open_store, retrying
from dcdist.store.servers import first_route, sign_in
from dcdist.store.swift.swift_sign_in import Credentials, read_account
from tests.support.raw_http import RawRequest, serve_raw

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET = "PLANTED"
"""A part of each password here, whatever stands before and behind it."""

PASSWORDS = [
    f"{before}{SECRET}" for before in ("", "a@", "a:", "a/", "a#", "a?", "a b ", "a\\", "a%63", "%", "@", "a@b:80/")
]
SHAPES = [
    "http://alice:{}@127.0.0.1:1/x",
    "http://alice:{}@127.0.0.1:1/x?y",
    "http://alice:{}@127.0.0.1:1/x#y",
    "http://alice:{}@127.0.0.1:1/?{}",
    "HTTP://alice:{}@127.0.0.1:port/x",
    "hTTps://alice:{}@127.0.0.1:1/x",
    " http://alice:{}@127.0.0.1:1/x ",
    "http://alice:{}@127.0.0.1:1/a b",
    "http://alice:{}@/x",
    "http://alice:{}@[::1/x",
    "http://alice:{}@h\u00f6st/x",
    "http:/alice:{}@127.0.0.1/x",
    "http:alice:{}@127.0.0.1/x",
    "//alice:{}@127.0.0.1/x",
    "alice:{}@127.0.0.1",
    "ftp://alice:{}@127.0.0.1/x",
    "swift://alice:{}@c/x",
    "file://alice:{}@host/x",
    "http://alice:{}@127.0.0.1:1/x\n",
    "http://alice:{}@127.0.0.1:1/\x1b[31m",
]
URLS = [shape.replace("{}", password) for shape, password in itertools.product(SHAPES, PASSWORDS)]


@pytest.fixture(autouse=True)
def few_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is tried again is so at once, and once."""
    monkeypatch.setattr(retrying, "Backoff", partial(Backoff, tries=2, first=0.0))


@pytest.fixture(autouse=True)
def _signals_stay() -> Iterator[None]:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


async def everything_said(url: str, environment: dict[str, str]) -> list[str]:
    """All that is said of a store by opening and using it, in every form."""
    said: list[str] = []

    def note(error: Exception) -> None:
        fault = fault_of(error)
        said.extend([str(error), repr(error), *map(str, fault.record().values()), fault.trace])
        said.extend(traceback.format_exception(error))

    try:
        async with open_store(url, environment=environment, report=lambda event: said.append(str(event))) as store:
            said += [str(store), repr(store), store.host]
            for operation in (store.get("key", limit=1), store.exists(), store.put("key", b""), store.list("")):
                try:
                    await operation
                except Exception as error:
                    note(error)
    except Exception as error:
        note(error)
    try:
        said.append(repr(first_route(url, environment)))
        if url.startswith("swift:"):
            await sign_in(url, environment, stall=1.0)
    except Exception as error:
        note(error)
    return said


async def test_no_url_of_a_store_shows_its_password() -> None:
    shown = {url: [each for each in await everything_said(url, {}) if SECRET in each] for url in URLS}

    assert {url: said for url, said in shown.items() if said} == {}


@pytest.mark.parametrize("variable", ["ST_AUTH", "ST_STORAGE_URL", "http_proxy", "HTTPS_PROXY", "https_proxy"])
async def test_no_url_of_a_variable_shows_its_password(variable: str) -> None:
    swift = {"ST_AUTH": "http://127.0.0.1:1/auth", "ST_USER": "u", "ST_KEY": "k" + SECRET, variable: ""}
    shown = {}
    for value in URLS:
        for store in ("swift://c", "https://127.0.0.1:1/x"):
            said = await everything_said(store, {**swift, variable: value, "no_proxy": ""})
            shown[store, value] = [each for each in said if SECRET in each]

    assert {where: said for where, said in shown.items() if said} == {}


@pytest.mark.parametrize("query", ["", f"?signature={SECRET}"])
async def test_what_a_server_answers_shows_no_secret_either(query: str) -> None:
    """It sends back what it was told: the key and the token in each header that messages speak of."""
    answers: list[tuple[int, dict[str, str]]] = [
        (401, {"WWW-Authenticate": SECRET}),
        (302, {"Location": f"http://me:{SECRET}@127.0.0.1:1/x?{SECRET}"}),
        (302, {"Location": f"http://me:{SECRET}@[::1/x"}),
        (302, {"Location": f"ftp://me:{SECRET}@127.0.0.1/x#{SECRET}"}),
        (200, {"X-Auth-Token": SECRET, "X-Storage-Url": f"http://me:{SECRET}@127.0.0.1:1/v1/a?{SECRET}"}),
        (200, {"X-Auth-Token": SECRET, "X-Storage-Url": f"ftp://me:{SECRET}@127.0.0.1:1/v1/a?{SECRET}"}),
        (200, {"X-Auth-Token": SECRET, "X-Storage-Url": f"http://me:{SECRET}@127.0.0.1:port/v1/a"}),
        (500, {}),
    ]
    said = []
    for status, headers in answers:

        async def answer(request: RawRequest, status: int = status, headers: dict[str, str] = headers) -> None:
            await request.answer(status, **{name.replace("-", "_"): value for name, value in headers.items()})

        async with serve_raw(answer) as url:
            inside = url.replace("http://", f"http://me:{SECRET}@")
            swift = {"ST_AUTH": f"{inside}/auth{query}", "ST_USER": "u", "ST_KEY": SECRET}
            said += await everything_said("swift://c", swift)
            said += await everything_said(f"{inside}/x", {})
        try:
            tls = Credentials.from_environment({**swift, "ST_AUTH": f"https://me:{SECRET}@127.0.0.1:1/auth{query}"})
            said.append(repr(read_account(status, headers, credentials=tls, store="s")))
        except Exception as error:
            said += traceback.format_exception(error)

    assert len(said) > 100
    assert [each for each in said if SECRET in each] == []


@pytest.mark.parametrize("style", [[], ["--json"], ["--debug"]], ids=["for people", "for programs", "for debugging"])
@pytest.mark.parametrize("given", ["by the option", "by the variable"])
def test_no_command_prints_the_password_of_its_store(
    style: list[str], given: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for url in URLS[:: 3 if given == "by the option" else 7]:
        option = ["--store", url]
        if given == "by the variable":
            monkeypatch.setenv("DCDIST_STORE", url)
            option = []
        for command in (["ls"], ["show", "web@1"], ["ls", "web", "--such"], ["show", url]):
            run([*command, *option, *style])
    captured = capfd.readouterr()

    assert SECRET not in captured.out + captured.err
    assert "127.0.0.1" in captured.out + captured.err
