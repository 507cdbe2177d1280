"""XML-RPC of the lab's xapi: answers by their bytes, sessions, tasks, and the failures that it tells."""

from __future__ import annotations

import math
import xmlrpc.client
from pathlib import Path

import pytest

from tools.lab.xapi.calls import Caller, perform, read_call, to_answer, to_failure
from tools.lab.xapi.database import Database
from tools.lab.xapi.description import ExportedMachine
from tools.lab.xapi.failures import Failure
from tools.lab.xapi.options import PASSWORD, STORAGE, USER, Options

MACHINE = ExportedMachine("a-uuid", "web", 3, is_a_snapshot=False, is_a_template=False)


class Client:
    """Calls a database with a session of its own."""

    def __init__(self) -> None:
        self.expiry = 0
        self.database = Database(Options(Path("nowhere")), expiry=lambda: self.expiry)
        self.session = str(perform(self.database, Caller(), "session.login_with_password", (USER, PASSWORD)))

    def __call__(self, method: str, *parameters: object) -> object:
        return perform(self.database, Caller(), method, (self.session, *parameters))

    def failure(self, method: str, *parameters: object) -> tuple[str, ...]:
        with pytest.raises(Failure) as failed:
            self(method, *parameters)
        return failed.value.description


@pytest.fixture
def client() -> Client:
    return Client()


def test_an_answer_has_the_bytes_that_xapi_writes() -> None:
    assert to_answer(["OpaqueRef:1", 5, True]) == (
        b'<?xml version="1.0"?><methodResponse><params><param><value><struct>'
        b"<member><name>Status</name><value>Success</value></member>"
        b"<member><name>Value</name><value><array><data><value>OpaqueRef:1</value><value>5</value>"
        b"<value><boolean>1</boolean></value></data></array></value></member>"
        b"</struct></value></param></params></methodResponse>"
    )


def test_a_failure_is_a_list_that_the_standard_client_reads() -> None:
    ((answer,), _) = xmlrpc.client.loads(to_failure(Failure("SR_FULL", "10 < 20", "&")))
    assert answer == {"Status": "Failure", "ErrorDescription": ["SR_FULL", "10 < 20", "&"]}


def test_a_call_of_the_standard_client_is_read() -> None:
    body = xmlrpc.client.dumps(("session", True, 5), "VM.start").encode()
    assert read_call(body) == ("VM.start", ("session", True, 5))


@pytest.mark.parametrize("body", [b"", b"<html>", xmlrpc.client.dumps((1,), methodresponse=True).encode()])
def test_what_is_not_a_call_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match="not a call"):
        read_call(body)


@pytest.mark.parametrize(("user", "password"), [(USER, "wrong"), ("nobody", PASSWORD)])
def test_a_wrong_password_is_told(client: Client, user: str, password: str) -> None:
    with pytest.raises(Failure) as failed:
        perform(client.database, Caller(), "session.login_with_password", (user, password, "1.0", "a client"))
    assert failed.value.description == ("SESSION_AUTHENTICATION_FAILED", user, "Authentication failure")


def test_who_comes_by_the_host_s_own_socket_needs_no_password(client: Client) -> None:
    session = perform(client.database, Caller(trusted=True), "session.login_with_password", ("root", ""))
    assert perform(client.database, Caller(trusted=True), "VM.get_all", (session,)) == []


def test_a_slave_sends_every_call_to_its_master(client: Client) -> None:
    for method in ("session.login_with_password", "VM.get_all", "VM.none"):
        with pytest.raises(Failure) as failed:
            perform(client.database, Caller(master="10.0.0.1"), method, (USER, PASSWORD))
        assert failed.value.description == ("HOST_IS_SLAVE", "10.0.0.1")


def test_a_session_ends_by_signing_out(client: Client) -> None:
    assert client("session.logout") == ""
    assert client.failure("VM.get_all") == ("SESSION_INVALID", client.session)


def test_all_sessions_end_when_they_expire(client: Client) -> None:
    client.expiry += 1
    assert client.failure("VM.get_all") == ("SESSION_INVALID", client.session)
    fresh = perform(client.database, Caller(), "session.login_with_password", (USER, PASSWORD))
    assert perform(client.database, Caller(), "VM.get_all", (fresh,)) == []


def test_mistakes_of_a_client_are_told(client: Client) -> None:
    assert client.failure("VM.none", "x") == ("MESSAGE_METHOD_UNKNOWN", "VM.none")
    assert client.failure("task.get_status") == ("MESSAGE_PARAMETER_COUNT_MISMATCH", "task.get_status", "1", "0")
    assert client.failure("task.get_record", "x") == ("HANDLE_INVALID", "task", "x")
    assert client.failure("task.get_all_records", "x")[0] == "MESSAGE_PARAMETER_COUNT_MISMATCH"
    assert client.failure("SR.get_by_uuid", "x") == ("UUID_INVALID", "SR", "x")


def test_a_storage_is_found_by_its_uuid(client: Client) -> None:
    reference = client("SR.get_by_uuid", STORAGE)
    assert client("SR.get_uuid", reference) == STORAGE
    assert client("SR.get_by_name_label", "Local storage") == [reference]
    (pool,) = client.database.records("pool")
    assert client("pool.get_default_SR", pool) == reference


def test_a_task_waits_until_it_succeeds_and_then_stays_so(client: Client) -> None:
    task = str(client("task.create", "import", "of a VM"))
    assert client("task.get_status", task) == "pending"
    assert client("task.get_progress", task) == 0.0
    assert client("task.get_name_description", task) == "of a VM"
    client.database.succeed(task, ["OpaqueRef:1"])
    client.database.fail(task, Failure("IMPORT_ERROR", "too late"))
    assert client("task.get_status", task) == "success"
    assert client("task.get_progress", task) == 1.0
    assert client("task.get_error_info", task) == []
    result = "<value><array><data><value>OpaqueRef:1</value></data></array></value>"
    assert client("task.get_result", task) == result


def test_a_task_that_fails_has_the_code_and_its_parameters(client: Client) -> None:
    task = str(client("task.create", "import", ""))
    client.database.fail(task, Failure("SR_FULL", "2", "1"))
    assert client("task.get_status", task) == "failure"
    assert client("task.get_error_info", task) == ["SR_FULL", "2", "1"]


def test_a_task_is_cancelled_when_its_worker_looks(client: Client) -> None:
    task = str(client("task.create", "import", ""))
    client.database.check_cancelling(task)
    client("task.cancel", task)
    assert client("task.get_status", task) == "pending"
    with pytest.raises(Failure) as failed:
        client.database.check_cancelling(task)
    client.database.fail(task, failed.value)
    assert client("task.get_status", task) == "cancelled"
    assert client("task.get_error_info", task) == []


def test_a_task_under_way_is_destroyed_at_its_end(client: Client) -> None:
    task = str(client("task.create", "import", ""))
    client("task.destroy", task)
    assert client("task.get_status", task) == "pending"
    client.database.succeed(task, [])
    assert client.failure("task.get_status", task) == ("HANDLE_INVALID", "task", task)


def test_a_task_that_has_ended_is_destroyed_at_once(client: Client) -> None:
    task = str(client("task.create", "import", ""))
    client.database.succeed(task, [])
    client("task.destroy", task)
    assert client("task.get_all") == []


def test_an_imported_vm_is_a_new_one_each_time(client: Client) -> None:
    for _ in range(2):
        client.database.add_machine(MACHINE, restore=False, force=False)
    records = client.database.records("VM").values()
    assert len({record["uuid"] for record in records} - {"a-uuid"}) == 2
    assert {record["version"] for record in records} == {"0"}


def test_restore_replaces_an_older_vm_with_the_same_uuid(client: Client) -> None:
    client.database.add_machine(MACHINE, restore=True, force=False)
    newer = ExportedMachine("a-uuid", "newer", 4, is_a_snapshot=False, is_a_template=False)
    client.database.add_machine(newer, restore=True, force=False)
    (record,) = client.database.records("VM").values()
    assert (record["uuid"], record["name_label"], record["version"]) == ("a-uuid", "newer", "4")


def test_restore_does_not_replace_a_vm_that_is_not_older_but_by_force(client: Client) -> None:
    here = client.database.add_machine(MACHINE, restore=True, force=False)
    with pytest.raises(Failure) as failed:
        client.database.add_machine(MACHINE, restore=True, force=False)
    assert failed.value.description == ("VM_TO_IMPORT_IS_NOT_NEWER_VERSION", here, "3", "3")
    client.database.add_machine(MACHINE, restore=True, force=True)
    assert len(client.database.records("VM")) == 1


def test_a_vm_starts_once(client: Client) -> None:
    machine = client.database.add_machine(MACHINE, restore=False, force=False)
    assert client("VM.start", machine, False, False) == ""
    assert client("VM.get_power_state", machine) == "Running"
    assert client.failure("VM.start", machine, False, False) == ("VM_BAD_POWER_STATE", machine, "halted", "running")


def test_a_progress_that_is_no_number_can_be_told() -> None:
    ((answer,), _) = xmlrpc.client.loads(to_answer(math.nan))
    assert isinstance(answer, dict)
    assert math.isnan(answer["Value"])
