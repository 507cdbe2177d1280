"""The lab's xapi as a client meets it: imports over https and by its socket, their tasks, and the disks that came."""

from __future__ import annotations

import base64
import gzip
import http.client
import io
import math
import os
import socket
import ssl
import subprocess
import sys
import xmlrpc.client
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import zstandard

from tests.support.xapi_client import MIB, XapiClient, exchange, make_xva, wait_for
from tools.lab.network import Link, Network
from tools.lab.xapi.stand_in import Xapi, XapiError
from tools.lab.xva_writer import write_xva

if TYPE_CHECKING:
    from collections.abc import Iterator

MAKER = """
import sys
from pathlib import Path
from tools.lab.xapi.stand_in import Xapi
with Xapi(Path(sys.argv[1])) as xapi:
    print(xapi._process.pid, flush=True)
    sys.stdin.read()
"""

CALLER = """
import ssl, sys, xmlrpc.client
context = ssl.create_default_context(cafile=sys.argv[2])
with xmlrpc.client.ServerProxy(sys.argv[1], context=context) as server:
    print(server.VM.get_all("no session")["ErrorDescription"][0])
"""


@pytest.fixture
def xapi(tmp_path: Path) -> Iterator[Xapi]:
    with Xapi(tmp_path / "xapi", progress_seconds=0) as running:
        yield running


@pytest.fixture
def client(xapi: Xapi) -> XapiClient:
    return XapiClient(xapi)


def exported(folder: Path, content: bytes) -> bytes:
    """An export of a VM with one disk."""
    (folder / "disk").write_bytes(content)
    out = io.BytesIO()
    write_xva(out, "web", [folder / "disk"])
    return out.getvalue()


def rebuilt(xapi: Xapi, vm: str = "web") -> list[bytes]:
    """The disks of the last import of a VM."""
    return [disk.read_bytes() for disk in xapi.imports(vm)[-1].disks]


def machines(client: XapiClient) -> list[object]:
    """The references of all VMs."""
    found = client.value("VM.get_all", client.session)
    assert isinstance(found, list)
    return found


def test_an_import_rebuilds_the_disks_and_its_task_tells_the_vm(client: XapiClient, tmp_path: Path) -> None:
    xva, disks = make_xva(tmp_path, sizes=(2 * MIB + 512, MIB))

    assert client.put(xva) == (
        "HTTP/1.1 200 OK\r\nConnection: close\r\nCache-Control: no-cache, no-store\r\n"
        f"Task-Id:{client.task}\r\nContent-Type: application/octet-stream\r\n\r\n"
    )
    task = client.task_record()
    assert (task["status"], task["progress"], task["error_info"]) == ("success", 1.0, [])
    assert task["other_config"] == {"object_creation": "complete"}
    machine = machines(client)[0]
    assert task["result"] == f"<value><array><data><value>{machine}</value></data></array></value>"
    assert client.value("VM.get_name_label", client.session, machine) == "web"
    assert rebuilt(client.xapi) == disks
    assert (client.xapi.whole("web"), client.xapi.failed("web")) == (1, 0)
    (entry,) = client.xapi.imports()
    assert (entry.state, entry.status, entry.length) == ("whole", 200, len(xva))
    assert entry.taken == len(xva) - 1024


def test_zeros_that_were_left_out_are_holes(client: XapiClient, tmp_path: Path) -> None:
    content = b"begin".ljust(MIB, b".") + bytes(62 * MIB) + b"end".rjust(MIB, b".")
    client.put(exported(tmp_path, content))
    (disk,) = client.xapi.imports("web")[0].disks
    assert disk.read_bytes() == content
    assert disk.stat().st_blocks * 512 < 4 * MIB


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
@pytest.mark.parametrize("told", [True, False], ids=["with its length", "to its end"])
def test_a_compressed_export_is_taken(client: XapiClient, tmp_path: Path, compression: str, told: bool) -> None:
    xva, disks = make_xva(tmp_path)
    packed = gzip.compress(xva) if compression == "gzip" else zstandard.ZstdCompressor().compress(xva)
    if told:
        client.put(packed)
    else:
        client.put(packed, told=False, hang_up=True)
    assert client.task_record()["status"] == "success"
    assert rebuilt(client.xapi) == disks


def test_a_plain_export_needs_no_length(client: XapiClient, tmp_path: Path) -> None:
    xva, disks = make_xva(tmp_path)
    client.put(xva, told=False)
    assert client.task_record()["status"] == "success"
    assert rebuilt(client.xapi) == disks


def test_the_answer_comes_before_the_body_and_the_end_before_the_last_bytes(client: XapiClient, tmp_path: Path) -> None:
    xva, _ = make_xva(tmp_path)
    with closing(client.begin_put(b"", len(xva))) as connection:
        assert connection.recv(17) == b"HTTP/1.1 200 OK\r\n"
        assert client.task_record()["status"] == "pending"
        connection.sendall(xva[:-1024])
        while connection.recv(1000):
            pass
    assert client.task_record()["status"] == "success"


def test_progress_is_that_of_the_disks_with_their_zeros(client: XapiClient, tmp_path: Path) -> None:
    xva = exported(tmp_path, b"x" * MIB + bytes(7 * MIB) + b"y" * (2 * MIB))
    all_but_one = xva[: xva.index(b"Ref:5/00000009\0")]
    with closing(client.begin_put(all_but_one, len(xva))):
        wait_for(lambda: client.value("task.get_progress", client.session, client.task) == 0.9)
        assert client.value("task.get_allowed_operations", client.session, client.task) == ["cancel"]
    client.xapi.wait_until_idle()


def test_the_progress_of_a_disk_under_a_mib_is_no_number(client: XapiClient, tmp_path: Path) -> None:
    xva, _ = make_xva(tmp_path, sizes=(1024, 512))
    with closing(client.begin_put(xva[: xva.index(b"Ref:6/")], len(xva))):
        wait_for(lambda: math.isnan(float(str(client.value("task.get_progress", client.session, client.task)))))
    client.xapi.wait_until_idle()


def test_who_goes_away_early_fails_and_leaves_nothing(client: XapiClient, tmp_path: Path) -> None:
    xva, _ = make_xva(tmp_path)
    client.put(xva[:-3000], length=len(xva), hang_up=True)
    task = client.task_record()
    assert (task["status"], task["error_info"]) == ("failure", ["IMPORT_ERROR_PREMATURE_EOF"])
    assert machines(client) == []
    assert not any(disk.exists() for disk in client.xapi.imports()[0].disks)
    assert (client.xapi.whole("web"), client.xapi.failed("web")) == (0, 1)


def test_a_damaged_block_fails_the_task_after_the_good_answer(client: XapiClient, tmp_path: Path) -> None:
    xva, _ = make_xva(tmp_path)
    damaged = bytearray(xva)
    damaged[xva.index(b"Ref:5/00000001\0") + 700] ^= 1
    answer = client.put(bytes(damaged))
    assert answer.startswith("HTTP/1.1 200 OK\r\n")
    assert client.task_record()["status"] == "failure"
    assert "Invalid_checksum" in str(client.task_record()["error_info"])
    assert machines(client) == []


def test_force_takes_a_damaged_block_and_keeps_what_an_early_end_leaves(client: XapiClient, tmp_path: Path) -> None:
    xva, disks = make_xva(tmp_path)
    place = xva.index(b"Ref:5/00000001\0") + 512
    damaged = xva[:place] + bytes([xva[place] ^ 1]) + xva[place + 1 :]
    client.put(damaged, query={"force": "true"})
    assert client.task_record()["status"] == "success"
    assert rebuilt(client.xapi)[0][MIB:] == bytes([disks[0][MIB] ^ 1]) + disks[0][MIB + 1 :]
    client.task = client.begin_task()
    client.put(xva[:-3000], length=len(xva), hang_up=True, query={"force": "true"})
    assert client.task_record()["status"] == "failure"
    assert len(machines(client)) == 2
    assert all(disk.exists() for disk in client.xapi.imports()[1].disks)


def test_an_import_without_a_task_gets_one_and_the_default_storage(client: XapiClient, tmp_path: Path) -> None:
    xva, _ = make_xva(tmp_path)
    with closing(client.connect()) as connection:
        head = f"PUT /import HTTP/1.1\r\nCookie: session_id={client.session}\r\nContent-Length: {len(xva)}\r\n\r\n"
        answer = exchange(connection, head, xva)
    task = answer.partition("Task-Id:")[2].partition("\r\n")[0]
    assert task != client.task
    assert client.value("task.get_status", client.session, task) == "success"


def test_basic_authentication_is_taken(client: XapiClient, tmp_path: Path) -> None:
    xva, _ = make_xva(tmp_path)
    signs = base64.b64encode(":".join(client.xapi.environment.values()).encode()).decode()
    with closing(client.connect()) as connection:
        head = f"PUT /import HTTP/1.1\r\nAuthorization: Basic {signs}\r\nContent-Length: {len(xva)}\r\n\r\n"
        assert exchange(connection, head, xva).startswith("HTTP/1.1 200 OK\r\n")
    assert client.xapi.whole("web") == 1


def test_the_host_s_own_socket_asks_for_no_password(tmp_path: Path) -> None:
    xva, disks = make_xva(tmp_path)
    path = tmp_path / "socket"
    with Xapi(tmp_path / "xapi", socket=path) as xapi:
        with closing(socket.socket(socket.AF_UNIX)) as connection:
            connection.connect(str(path))
            head = f"PUT /import?sr_uuid={xapi.storage} HTTP/1.1\r\n\r\n"
            assert exchange(connection, head, xva).startswith("HTTP/1.1 200 OK\r\n")
        assert rebuilt(xapi) == disks
        with closing(socket.socket(socket.AF_UNIX)) as connection:
            connection.connect(str(path))
            assert call_locally(connection, "session.login_with_password", "anybody", "")["Status"] == "Success"


def test_by_the_socket_a_compressed_export_ends_with_half_of_the_connection(tmp_path: Path) -> None:
    xva, disks = make_xva(tmp_path)
    path = tmp_path / "socket"
    with Xapi(tmp_path / "xapi", socket=path) as xapi:
        with closing(socket.socket(socket.AF_UNIX)) as connection:
            connection.connect(str(path))
            exchange(connection, "PUT /import HTTP/1.1\r\n\r\n", gzip.compress(xva), hang_up=True)
        assert xapi.whole("web") == 1
        assert rebuilt(xapi) == disks


def call_locally(connection: socket.socket, method: str, *parameters: str) -> dict[str, object]:
    body = xmlrpc.client.dumps(parameters, method)
    connection.sendall(f"POST / HTTP/1.1\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
    response = http.client.HTTPResponse(connection)
    response.begin()
    ((answer,), _) = xmlrpc.client.loads(response.read())
    response.close()
    assert isinstance(answer, dict)
    return answer


def test_several_calls_use_one_connection(client: XapiClient) -> None:
    context = ssl.create_default_context(cafile=client.xapi.certificate)
    address = client.xapi.url.removeprefix("https://")
    body = xmlrpc.client.dumps((client.session,), "VM.get_all")
    with closing(http.client.HTTPSConnection(address, context=context)) as connection:
        for _ in range(3):
            connection.request("POST", "/RPC2", body)
            response = connection.getresponse()
            assert (response.status, response.getheader("Connection")) == (200, "keep-alive")
            assert b"Success" in response.read()


def test_other_requests_are_forbidden(client: XapiClient) -> None:
    with closing(client.connect()) as connection:
        assert exchange(connection, "GET /secret HTTP/1.1\r\n\r\n").startswith("HTTP/1.1 403 Forbidden\r\n")
    with closing(client.connect()) as connection:
        assert exchange(connection, "nothing\r\n\r\n").startswith("HTTP/1.1 500 Internal Error\r\n")


def test_its_certificate_is_for_its_addresses_and_no_other(tmp_path: Path) -> None:
    with Xapi(tmp_path / "xapi", ["127.0.0.1", "127.0.0.2"]) as xapi:
        client = XapiClient(xapi)
        assert client.answer("VM.get_all", client.session, host=1)["Status"] == "Failure"
        port = int(xapi.url.rpartition(":")[2])
        context = ssl.create_default_context(cafile=xapi.certificate)
        with (
            closing(socket.create_connection(("127.0.0.1", port))) as plain,
            pytest.raises(ssl.SSLCertVerificationError, match="IP address mismatch"),
        ):
            context.wrap_socket(plain, server_hostname="127.0.0.3")


def test_imports_stay_known_when_it_is_started_again_and_tasks_do_not(client: XapiClient, tmp_path: Path) -> None:
    xva, disks = make_xva(tmp_path)
    client.put(xva)
    url = client.xapi.url
    client.xapi.stop()
    client.xapi.start()
    assert client.xapi.url == url
    assert client.xapi.whole("web") == 1
    assert rebuilt(client.xapi) == disks
    again = XapiClient(client.xapi)
    assert again.answer("task.get_status", again.session, client.task)["ErrorDescription"] == [
        "HANDLE_INVALID", "task", client.task,
    ]  # fmt: skip
    again.put(xva)
    assert [entry.number for entry in client.xapi.imports()] == [1, 2]


def test_an_import_under_way_fails_with_the_process(client: XapiClient, tmp_path: Path) -> None:
    xva, _ = make_xva(tmp_path)
    with closing(client.begin_put(xva[:MIB], len(xva))):
        wait_for(lambda: bool(client.xapi.imports("web") and client.xapi.imports("web")[0].disks))
        client.xapi.stop()
    (entry,) = client.xapi.imports("web")
    assert (entry.state, entry.error) == ("failed", ("THE_LAB_STOPPED",))
    assert not any(disk.exists() for disk in entry.disks)


def test_a_port_that_is_taken_is_told(xapi: Xapi, tmp_path: Path) -> None:
    port = int(xapi.url.rpartition(":")[2])
    with pytest.raises(XapiError, match="Address already in use"), Xapi(tmp_path / "second", port=port):
        pass


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root")
def test_it_runs_on_a_host_of_the_lab_s_network(tmp_path: Path) -> None:
    link = Link.of("1gbit")
    with (
        Network({"xen": link, "host": link}) as network,
        Xapi(tmp_path / "xapi", [network.address("xen")], wrapper=network.command("xen")) as xapi,
    ):
        command = [*network.command("host"), sys.executable, "-c", CALLER, xapi.url, str(xapi.certificate)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout == "SESSION_INVALID\n", done.stderr


def test_it_dies_with_its_maker(tmp_path: Path) -> None:
    command = [sys.executable, "-c", MAKER, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as maker:
        assert maker.stdout is not None
        process = int(maker.stdout.readline())
        maker.kill()
    wait_for(lambda: not runs(process))


def runs(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
