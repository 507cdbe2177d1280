"""The tables of what is tried again (docs/faults.md) say what the code does, row by row."""

from __future__ import annotations

import errno
import os
import random
import re
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import aiohttp
import pytest

from dcdist.disk.system_errors import refusals
from dcdist.errors import DcdistError
from dcdist.policy.requests.rereading import rule_for
from dcdist.store.directory.directory_errors import directory_error
from dcdist.store.http.http_errors import transport_error
from dcdist.store.http.http_status import error_of
from dcdist.store.http.web_page import page_error
from dcdist.swarm.libtorrent_errors import disk_error

if TYPE_CHECKING:
    from collections.abc import Callable

    import libtorrent as lt

DOCUMENT = (Path(__file__).parents[2] / "docs" / "faults.md").read_text()
ENDS, PROMISED, AGAIN = "ends", "ends; promised: for 20 s", "tried again"
Row = tuple[str, str]


def table(first: str) -> dict[str, Row]:
    """The table whose first heading is this: by the first cell, the error and what happens then."""
    start = DOCUMENT.index(f"| {first} | error | then |")
    rows = DOCUMENT[start:].split("\n\n")[0].splitlines()[2:]
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    return {name: (error.strip("`"), then) for name, error, then in cells}


def seen(error: DcdistError) -> Row:
    """The same two of an error."""
    asked_for = rule_for(error, promised=True).delay(1, elapsed=0.0, rng=random.Random(1)) is not None
    again = PROMISED if asked_for and type(error).__name__ != "IntegrityError" else ENDS
    return type(error).__name__, AGAIN if error.retryable else again


def by_number(rows: dict[str, Row], pattern: str) -> dict[str, Row]:
    """The rows that list numbers or names, one by one."""
    return {each: row for name, row in rows.items() if "any other" not in name for each in re.findall(pattern, name)}


def test_every_status_ends_or_is_tried_again_as_the_table_says() -> None:
    rows = table("HTTP answer")
    listed = by_number(rows, r"\d{3}")
    others = {3: rows["any other from 300 to 499"], 5: rows["any other from 500 to 599"]}
    others[4] = others[3]
    expected = {status: listed.get(str(status), others[status // 100]) for status in range(300, 600)}

    found = {
        status: seen(error_of(status, {}, what="GET key", store="swift://c", key="key")) for status in range(300, 600)
    }

    assert found == expected


def _proxy_answers(status: int) -> Exception:
    return aiohttp.ClientHttpProxyError(cast("aiohttp.RequestInfo", None), (), status=status)


def _connection_key() -> object:
    return SimpleNamespace(host="host", port=443, ssl=True, is_ssl=True)


def _by_connector(kind: type[aiohttp.ClientConnectorError]) -> Exception:
    make = cast("Callable[[object, OSError], Exception]", kind)
    return make(_connection_key(), OSError(errno.EIO, "no"))


ON_THE_WAY: dict[str, Callable[[], Exception]] = {
    "no connection in time": aiohttp.ConnectionTimeoutError,
    "no byte for too long": aiohttp.SocketTimeoutError,
    "connection refused or reset": lambda: ConnectionRefusedError(errno.ECONNREFUSED, "refused"),
    "answer that is not HTTP": lambda: aiohttp.ClientResponseError(
        cast("aiohttp.RequestInfo", SimpleNamespace(real_url="http://host/?S3CRET")), (), message="bad line"
    ),
    "body that ends early": lambda: aiohttp.ClientPayloadError("not enough data"),
    "host name that cannot be resolved": lambda: _by_connector(aiohttp.ClientConnectorDNSError),
    "certificate that is not accepted": lambda: _by_connector(aiohttp.ClientConnectorSSLError),
    "proxy that wants credentials": lambda: _proxy_answers(407),
    "proxy that does not allow it": lambda: _proxy_answers(403),
    "proxy that cannot connect": lambda: _proxy_answers(502),
    "URL or header that cannot be sent": lambda: UnicodeError("label empty or too long"),
}


def test_what_happens_on_the_way_ends_or_is_tried_again_as_the_table_says() -> None:
    found = {
        name: seen(transport_error(make(), what="GET key", store="s", key="key", stall=1.0))
        for name, make in ON_THE_WAY.items()
    }
    found["web page in place of an object"] = seen(page_error(what="GET key", store="s", key="key", asked="http://s"))

    assert found == table("on the way")


def test_an_answer_that_is_not_http_is_told_without_its_url() -> None:
    error = transport_error(ON_THE_WAY["answer that is not HTTP"](), what="GET key", store="s", key="key", stall=1.0)

    assert str(error) == "s: GET key: the connection failed (bad line)"


ERRNOS = sorted(set(errno.errorcode))


def test_every_error_of_a_directory_store_ends_or_is_tried_again_as_the_table_says() -> None:
    rows = table("directory store")
    listed = by_number(rows, r"E[A-Z0-9]+")
    (other,) = (row for name, row in rows.items() if name.startswith("any other"))
    numbers = {getattr(errno, name): row for name, row in listed.items()}

    def error(number: int) -> DcdistError:
        return directory_error(OSError(number, os.strerror(number)), store="s", key="key")

    assert {number: seen(error(number)) for number in ERRNOS} == {
        number: numbers.get(number, other) for number in ERRNOS
    }


def _refused(number: int) -> DcdistError:
    with pytest.raises(DcdistError) as caught, refusals(Path("/"), "write"):
        raise OSError(number, os.strerror(number))
    return caught.value


def _told_by_libtorrent(number: int) -> DcdistError:
    category = SimpleNamespace(name=lambda: "system")
    error = SimpleNamespace(value=lambda: number, message=lambda: os.strerror(number), category=lambda: category)
    alert = SimpleNamespace(filename=lambda: "/data", error=error)
    return disk_error(cast("lt.file_error_alert", alert))


@pytest.mark.parametrize("raised", [_refused, _told_by_libtorrent])
def test_every_error_of_this_hosts_disk_ends_as_the_table_says(raised: Callable[[int], DcdistError]) -> None:
    rows = table("this host's disk, libtorrent's files")
    numbers = {getattr(errno, name): row for name, row in by_number(rows, r"E[A-Z]+").items()}

    found = {number: (type(error).__name__, AGAIN if error.retryable else ENDS)
             for number in ERRNOS for error in [raised(number)]}  # fmt: skip

    assert found == {number: numbers.get(number, rows["any other"]) for number in ERRNOS}
