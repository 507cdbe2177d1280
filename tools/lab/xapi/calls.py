"""XML-RPC: a call's bytes in, an answer's bytes out.

Follows api_server.ml, server_helpers.ml, xapi_session.ml and xapi_task.ml. Numbers are text in answers, as xapi writes
them. Records of all kinds are read by the same few methods; a method that is not here is told to be unknown.
"""

from __future__ import annotations

import inspect
import xmlrpc.client
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.lab.ova import Value, to_xml
from tools.lab.xapi.database import FIELDS, Database, Kind
from tools.lab.xapi.failures import Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Method = Callable[..., Value]

_LOGIN = "session.login_with_password"
_VOID = ""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: `trusted` by the socket of the host itself; `master` is the address to turn to, unless this is it."""

    trusted: bool = False
    master: str | None = None


def read_call(body: bytes) -> tuple[str, tuple[object, ...]]:
    """The name of a method and its parameters.

    Raises:
        ValueError: It is not a call.
    """
    try:
        parameters, method = xmlrpc.client.loads(body)
    except Exception as error:
        raise ValueError(f"not a call: {error!r}") from error
    if method is None:
        raise ValueError("not a call: it names no method")
    return method, tuple(parameters)


def perform(database: Database, caller: Caller, method: str, parameters: Sequence[object]) -> Value:
    """Do what a method does, and give its value.

    Raises:
        Failure: It cannot be done.
    """
    if caller.master is not None:
        raise Failure("HOST_IS_SLAVE", caller.master)
    if method == _LOGIN:
        return _call(method, _login(database, caller), parameters)
    session = str(parameters[0]) if parameters else ""
    database.check_session(session)
    function = _actions(database, session).get(method) or _reading(database, method)
    if function is None:
        raise Failure("MESSAGE_METHOD_UNKNOWN", method)
    return _call(method, function, parameters[1:])


def to_answer(value: Value) -> bytes:
    """The bytes of an answer that holds a value."""
    return _document({"Status": "Success", "Value": value})


def to_failure(failure: Failure) -> bytes:
    """The bytes of an answer that tells a failure."""
    return _document({"Status": "Failure", "ErrorDescription": list(failure.description)})


def _document(value: Value) -> bytes:
    text = f"<methodResponse><params><param>{to_xml(value)}</param></params></methodResponse>"
    return f'<?xml version="1.0"?>{text}'.encode()


def _call(method: str, function: Method, parameters: Sequence[object]) -> Value:
    signature = inspect.signature(function)
    try:
        signature.bind(*parameters)
    except TypeError:
        needed = sum(each.default is each.empty for each in signature.parameters.values())
        counts = str(needed), str(len(parameters))
        raise Failure("MESSAGE_PARAMETER_COUNT_MISMATCH", method, *counts) from None
    return function(*parameters)


def _login(database: Database, caller: Caller) -> Method:
    def login(user: str, password: str, version: str = "", originator: str = "") -> Value:
        del version, originator
        return database.sign_in(user, password, trusted=caller.trusted)

    return login


def _actions(database: Database, session: str) -> dict[str, Method]:
    """What changes something."""

    def logout() -> Value:
        database.sign_out(session)
        return _VOID

    def cancel(task: str) -> Value:
        database.cancel_task(task)
        return _VOID

    def destroy(task: str) -> Value:
        database.destroy_task(task)
        return _VOID

    def start(machine: str, paused: bool, force: bool) -> Value:
        del paused, force
        state = database.record("VM", machine)["power_state"]
        if state != "Halted":
            raise Failure("VM_BAD_POWER_STATE", machine, "halted", str(state).lower())
        database.change("VM", machine, power_state="Running")
        return _VOID

    return {
        "session.logout": logout,
        "task.create": database.begin_task,
        "task.cancel": cancel,
        "task.destroy": destroy,
        "VM.start": start,
    }


def _reading(database: Database, method: str) -> Method | None:
    """What reads records: all of a kind, one by its UUID or name, a whole one, or one field."""
    kind_name, _, verb = method.partition(".")
    kind: Kind | None = next((kind for kind in FIELDS if kind == kind_name), None)
    if kind is None or not verb.startswith("get_"):
        return None
    whole: dict[str, Method] = {
        "get_all": lambda: list(database.records(kind)),
        "get_all_records": lambda: database.records(kind),
        "get_by_uuid": lambda uuid: database.by_uuid(kind, uuid),
        "get_by_name_label": lambda name: [
            reference for reference, record in database.records(kind).items() if record.get("name_label") == name
        ],
        "get_record": lambda reference: database.record(kind, reference),
    }
    if verb in whole:
        return whole[verb]
    field = verb.removeprefix("get_")
    if field in FIELDS[kind]:
        return lambda reference: database.record(kind, reference)[field]
    return None
