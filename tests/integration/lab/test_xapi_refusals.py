"""Whom the lab's xapi refuses, how it tells, and which faults it makes on order."""

from __future__ import annotations

import ssl
import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests.support.xapi_client import MIB, XapiClient, make_xva, wait_for, was_reset
from tools.lab.xapi.stand_in import Fault, Storage, Xapi

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ISO, REMOTE = "1d5e6f60-0000-4000-8000-000000000001", "1d5e6f60-0000-4000-8000-000000000002"


@pytest.fixture
def client(tmp_path: Path) -> Iterator[XapiClient]:
    """Of a pool of two hosts, each with a storage of its own."""
    storages = [Storage(), Storage(ISO, "CDs", content_type="iso"), Storage(REMOTE, "Local storage", host=1)]
    with Xapi(tmp_path / "xapi", ["127.0.0.1", "127.0.0.2"], storages=storages, progress_seconds=0) as xapi:
        yield XapiClient(xapi)


@pytest.fixture(scope="module")
def xva(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return make_xva(tmp_path_factory.mktemp("xva"))[0]


def outcome(client: XapiClient) -> tuple[object, object]:
    """Status and error of the task."""
    task = client.task_record()
    return task["status"], task["error_info"]


def status_line(answer: str) -> str:
    return answer.partition("\r\n")[0]


# Refused before the task is taken over: it stays pending.


def test_a_wrong_session_is_401_and_leaves_the_task_pending(client: XapiClient, xva: bytes) -> None:
    assert status_line(client.put(xva, query={"session_id": "OpaqueRef:none"})) == "HTTP/1.1 401 Unauthorised"
    assert outcome(client) == ("pending", [])
    assert client.xapi.imports()[0].status == 401


def test_an_expired_session_is_401_for_imports_and_invalid_for_calls(client: XapiClient, xva: bytes) -> None:
    client.xapi.expire_sessions()
    assert status_line(client.put(xva)) == "HTTP/1.1 401 Unauthorised"
    answer = client.answer("task.get_status", client.session, client.task)
    assert answer["ErrorDescription"] == ["SESSION_INVALID", client.session]
    fresh = XapiClient(client.xapi)
    assert status_line(fresh.put(xva)) == "HTTP/1.1 200 OK"


def test_a_session_that_expires_does_not_end_an_import_under_way(client: XapiClient, xva: bytes) -> None:
    with closing(client.begin_put(xva[:MIB], len(xva))) as connection:
        assert connection.recv(17) == b"HTTP/1.1 200 OK\r\n"
        client.xapi.expire_sessions()
        connection.sendall(xva[MIB:])
        client.xapi.wait_until_idle()
    assert client.xapi.whole("web") == 1


@pytest.mark.parametrize("storage", [{"sr_uuid": "none"}, {"sr_id": "OpaqueRef:none"}])
def test_a_storage_that_is_not_there_is_500_and_leaves_the_task_pending(
    client: XapiClient, xva: bytes, storage: dict[str, str]
) -> None:
    assert status_line(client.put(xva, query=storage)) == "HTTP/1.1 500 Internal Error"
    assert outcome(client) == ("pending", [])


def test_a_task_that_is_not_there_is_500(client: XapiClient, xva: bytes) -> None:
    answer = client.put(xva, query={"task_id": "OpaqueRef:none"})
    assert status_line(answer) == "HTTP/1.1 500 Internal Error"
    assert "HANDLE_INVALID: task: OpaqueRef:none" in answer


def test_a_storage_of_another_host_is_302_to_that_host_with_the_same_query(client: XapiClient, xva: bytes) -> None:
    answer = client.put(xva, query={"sr_uuid": REMOTE})
    assert status_line(answer) == "HTTP/1.1 302 Found"
    location = urlsplit(answer.partition("Location: ")[2].partition("\r\n")[0])
    assert f"https://{location.netloc}" == client.xapi.urls[1]
    assert location.path == "/import"
    assert f"sr_uuid={REMOTE}" in location.query
    assert outcome(client) == ("pending", [])
    assert status_line(client.put(xva, query={"sr_uuid": REMOTE}, host=1)) == "HTTP/1.1 200 OK"
    assert outcome(client) == ("success", [])


def test_a_slave_takes_imports_and_sends_calls_to_its_master(client: XapiClient, xva: bytes) -> None:
    answer = client.answer("session.login_with_password", *client.xapi.environment.values(), host=1)
    assert answer["ErrorDescription"] == ["HOST_IS_SLAVE", urlsplit(client.xapi.url).netloc]


# Refused when the task is taken over: it fails, and a page follows the head.


@pytest.mark.parametrize(
    ("headers", "query", "status", "error"),
    [
        ([], {"sr_uuid": ISO}, "400 Bad Request", "SR_OPERATION_NOT_SUPPORTED"),
        (["Transfer-Encoding: chunked"], {}, "403 Forbidden", "IMPORT_ERROR_CANNOT_HANDLE_CHUNKED"),
        (["Transfer-Encoding: identity"], {}, "403 Forbidden", "IMPORT_ERROR_CANNOT_HANDLE_CHUNKED"),
        (["Expect: 100-continue"], {}, "417 Expectation Failed", "IMPORT_ERROR_THE_LAB_REFUSES_EXPECT"),
    ],
)
def test_what_xapi_cannot_take_fails_the_task(
    client: XapiClient, xva: bytes, headers: list[str], query: dict[str, str], status: str, error: str
) -> None:
    answer = client.put(xva, *headers, query=query)
    assert status_line(answer) == f"HTTP/1.1 {status}"
    assert "\r\n\r\nHTTP/1.1 500 Internal Error\r\n" in answer
    assert outcome(client) == ("failure", [error])


def test_an_export_of_a_newer_xapi_is_refused(client: XapiClient, xva: bytes) -> None:
    newer = xva.replace(b"<name>xapi_minor</name><value>20", b"<name>xapi_minor</name><value>21")
    client.put(newer)
    assert outcome(client) == ("failure", ["IMPORT_INCOMPATIBLE_VERSION"])


def test_a_block_behind_the_end_of_its_disk_is_a_failure(client: XapiClient, xva: bytes) -> None:
    shorter = xva.replace(b"<name>virtual_size</name><value>3145728", b"<name>virtual_size</name><value>2621440")
    client.put(shorter)
    assert "Unix.ENOSPC" in str(outcome(client)[1])


# Faults on order.


def test_a_full_storage_is_told_before_the_first_block(client: XapiClient, xva: bytes) -> None:
    client.xapi.order(room=4 * MIB)
    assert status_line(client.put(xva)) == "HTTP/1.1 200 OK"
    client.task = client.begin_task()
    client.put(xva)
    assert outcome(client) == ("failure", ["SR_FULL", "3145728", "1048576"])
    assert [entry.first is None for entry in client.xapi.imports("web")] == [False, True]


def test_room_is_free_again_after_a_failed_import(client: XapiClient, xva: bytes) -> None:
    client.xapi.order(Fault(error=("IMPORT_ERROR", "x")), room=4 * MIB)
    client.put(xva)
    client.task = client.begin_task()
    client.put(xva)
    assert outcome(client) == ("success", [])


def test_a_task_fails_after_the_ordered_byte(client: XapiClient, xva: bytes) -> None:
    error = "SR_BACKEND_FAILURE_44", "", "There is insufficient space", ""
    client.xapi.order(Fault(error=error, at=2_000_000))
    answer = client.put(xva)
    assert answer.startswith("HTTP/1.1 200 OK\r\n")
    assert outcome(client) == ("failure", list(error))
    assert client.xapi.imports("web")[0].taken == 2_000_000
    client.task = client.begin_task()
    client.put(xva)
    assert outcome(client) == ("success", [])
    assert (client.xapi.whole("web"), client.xapi.failed("web")) == (1, 1)


def test_a_task_fails_behind_the_last_block(client: XapiClient, xva: bytes) -> None:
    client.xapi.order(Fault(error=("VDI_IO_ERROR", "Device I/O error")))
    client.put(xva)
    assert outcome(client) == ("failure", ["VDI_IO_ERROR", "Device I/O error"])
    assert client.xapi.imports("web")[0].taken == len(xva) - 1024
    assert client.value("VM.get_all", client.session) == []


def test_a_connection_is_reset_at_the_ordered_byte(client: XapiClient, xva: bytes) -> None:
    client.xapi.order(Fault(reset=True, at=1_500_000))
    with closing(client.begin_put(xva[:1_500_000], len(xva))) as connection:
        assert was_reset(connection)
    wait_for(lambda: outcome(client)[0] != "pending")
    assert outcome(client) == ("failure", ["IMPORT_ERROR_PREMATURE_EOF"])
    assert client.xapi.imports("web")[0].taken == 1_500_000


def test_a_reset_behind_the_last_block_does_no_harm_to_the_task(client: XapiClient, xva: bytes) -> None:
    client.xapi.order(Fault(reset=True))
    with closing(client.begin_put(xva[:-1024], len(xva))) as connection:
        assert was_reset(connection)
    wait_for(lambda: outcome(client)[0] != "pending")
    assert outcome(client) == ("success", [])


def test_a_task_may_end_after_the_connection(client: XapiClient, xva: bytes) -> None:
    client.xapi.order(Fault(late=600), Fault(late=0.01))
    client.put(xva)
    assert outcome(client) == ("pending", [])
    client.task = client.begin_task()
    client.put(xva)
    wait_for(lambda: outcome(client)[0] != "pending")
    assert outcome(client) == ("success", [])


def test_an_import_is_as_slow_as_ordered(client: XapiClient, xva: bytes) -> None:
    client.xapi.order(Fault(rate=4 * MIB))
    begun = time.monotonic()
    client.put(xva)
    assert time.monotonic() - begun > 0.7
    assert outcome(client) == ("success", [])


def test_an_import_that_is_one_too_many_fails_at_once(client: XapiClient, xva: bytes) -> None:
    client.xapi.order(most_imports=1)
    with closing(client.begin_put(xva[:-2000], len(xva))) as connection:
        assert connection.recv(17) == b"HTTP/1.1 200 OK\r\n"
        second = XapiClient(client.xapi)
        assert status_line(second.put(xva)) == "HTTP/1.1 500 Internal Error"
        assert outcome(second) == ("failure", ["TOO_BUSY"])
        connection.sendall(xva[-2000:])
        client.xapi.wait_until_idle()
    assert outcome(client) == ("success", [])


def test_two_imports_at_once_do_not_meet(client: XapiClient, tmp_path: Path) -> None:
    exports = {name: make_xva(tmp_path, name) for name in ("web", "db")}
    clients = {name: XapiClient(client.xapi) for name in exports}
    threads = [threading.Thread(target=clients[name].put, args=(exports[name][0],)) for name in exports]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name, (_, disks) in exports.items():
        assert [disk.read_bytes() for disk in client.xapi.imports(name)[0].disks] == disks


def test_an_import_is_cancelled_between_two_blocks(client: XapiClient, xva: bytes) -> None:
    with closing(client.begin_put(xva[: 2 * MIB], len(xva))) as connection:
        wait_for(lambda: client.value("task.get_allowed_operations", client.session, client.task) == ["cancel"])
        client.value("task.cancel", client.session, client.task)
        connection.sendall(xva[2 * MIB :])
        client.xapi.wait_until_idle()
    wait_for(lambda: outcome(client)[0] != "pending")
    assert outcome(client) == ("cancelled", [])
    assert client.xapi.imports("web")[0].error == ("TASK_CANCELLED", client.task)
    assert client.value("VM.get_all", client.session) == []


def test_an_import_is_answered_with_an_ordered_status_and_nothing_else(client: XapiClient, xva: bytes) -> None:
    client.xapi.order(Fault(status=503))
    assert status_line(client.put(xva)) == "HTTP/1.1 503 Service Unavailable"
    assert outcome(client) == ("pending", [])
    assert client.xapi.imports()[0].taken == 0


def test_a_call_fails_as_ordered(client: XapiClient) -> None:
    client.xapi.order(Fault("task.create", error=("HOST_OFFLINE", "x")), Fault("VM.get_all", status=500))
    assert client.answer("task.create", client.session, "", "")["ErrorDescription"] == ["HOST_OFFLINE", "x"]
    assert client.answer("task.create", client.session, "", "")["Status"] == "Success"
    with pytest.raises(Exception, match="500 Internal Error"):
        client.answer("VM.get_all", client.session)


def test_an_impostor_has_another_certificate(client: XapiClient) -> None:
    client.xapi.order(impostor=True)
    with pytest.raises(ssl.SSLCertVerificationError):
        client.answer("VM.get_all", client.session)
    client.xapi.order()
    assert client.answer("VM.get_all", client.session)["Status"] == "Success"
