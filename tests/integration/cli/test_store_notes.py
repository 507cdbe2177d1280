"""Commands whose output is their result say on standard error that the store does not answer."""

from __future__ import annotations

import signal
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

import pytest

from dcdist.cli.entry import run
from dcdist.errors import StoreUnavailableError
from dcdist.policy.requests.retry import Backoff
from dcdist.store import open_store, retrying
from dcdist.store.wrapped import Wrapped

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping

    from dcdist.model.trouble import Troubled
    from dcdist.ports.store import Listing, Store
    from tests.support.commands import Demo

NOTE = "note: no answer; try 1 failed, the next is in 0.0 s\n"


class FailingOnce(Wrapped):
    """Does not answer the first request."""

    failures = 1

    async def get(self, key: str, *, limit: int) -> bytes:
        self._fail()
        return await super().get(key, limit=limit)

    async def list(self, prefix: str, *, look: bool = False) -> Listing:
        self._fail()
        return await super().list(prefix, look=look)

    def _fail(self) -> None:
        if self.failures:
            self.failures -= 1
            raise StoreUnavailableError("no answer", store=str(self))


@pytest.fixture(autouse=True)
def _signals_stay() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("as_json", [[], ["--json"]], ids=["for people", "for programs"])
@pytest.mark.parametrize("command", ["ls", "show", "verify"])
def test_a_retry_is_a_line_on_standard_error_and_nothing_on_standard_output(
    demo: Demo, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, command: str, as_json: list[str]
) -> None:
    arguments = {
        "ls": ["ls", "--store", demo.store],
        "show": ["show", "web@1", "--store", demo.store],
        "verify": [str(each) for each in demo.verify("web@1", demo.folder)[:-3]],
    }[command]
    if command == "verify":
        arguments += ["--dest", str(demo.folder)]
    code = run([*arguments, *as_json])
    answering = capsys.readouterr()

    @asynccontextmanager
    async def failing_once(
        url: str, *, environment: Mapping[str, str], report: Callable[[Troubled], None] | None
    ) -> AsyncIterator[Store]:
        async with open_store(url, environment=environment, report=report) as opened:
            yield FailingOnce(opened)

    monkeypatch.setattr("dcdist.store.open_store", failing_once)
    monkeypatch.setattr(retrying, "Backoff", partial(Backoff, first=0.0))
    assert run([*arguments, *as_json]) == code
    failing = capsys.readouterr()

    assert failing.out == answering.out
    assert failing.err == NOTE + answering.err
