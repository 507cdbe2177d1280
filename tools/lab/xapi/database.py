"""What xapi knows of sessions, tasks, VMs and storages, as records of fields; of use to several threads.

Follows taskHelper.ml, xapi_task.ml, session_check.ml and exnHelper.ml. Invariant: a task that has ended stays as it is.
"""

from __future__ import annotations

import threading
import time
import uuid
from typing import TYPE_CHECKING, Final, Literal

from tools.lab.ova import Date, Record, Value, to_xml
from tools.lab.xapi.failures import Failure
from tools.lab.xapi.options import PASSWORD, USER

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tools.lab.xapi.description import ExportedMachine
    from tools.lab.xapi.options import Options

Kind = Literal["pool", "host", "SR", "task", "VM"]
NOTHING = "OpaqueRef:NULL"
FIELDS: Final[dict[Kind, Record]] = {
    "pool": {"uuid": "", "master": NOTHING, "default_SR": NOTHING},
    "host": {"uuid": "", "address": "", "API_version_major": "", "API_version_minor": ""},
    "SR": {"uuid": "", "name_label": "", "name_description": "", "content_type": "", "type": "ext"},
    "task": {
        "uuid": "", "name_label": "", "name_description": "", "allowed_operations": [], "current_operations": {},
        "created": Date(), "finished": Date(), "status": "pending", "progress": 0.0, "type": "<none/>",
        "result": "", "error_info": [], "other_config": {}, "subtask_of": NOTHING, "subtasks": [],
    },
    "VM": {
        "uuid": "", "name_label": "", "name_description": "", "power_state": "Halted", "is_a_template": False,
        "is_a_snapshot": False, "is_control_domain": False, "version": "0", "other_config": {},
    },
}  # fmt: skip
"""The fields of all kinds of records that the lab has, and what is in them at first; numbers are text."""
_CANCELLED = "TASK_CANCELLED"


class Database:
    """All records, each found by its kind and reference."""

    def __init__(self, options: Options, expiry: Callable[[], int]) -> None:
        """`expiry` is a number that ends all sessions when it changes."""
        self._lock = threading.RLock()
        self._expiry = expiry
        self._sessions: dict[str, int] = {}
        self._records: dict[Kind, dict[str, Record]] = {kind: {} for kind in FIELDS}
        self._cancelling: set[str] = set()
        self._doomed: set[str] = set()
        major, minor = options.api_version
        version: Record = {"API_version_major": str(major), "API_version_minor": str(minor)}
        hosts = [self.add("host", {"address": address, **version}) for address in options.hosts]
        storages = [
            self.add("SR", {"uuid": each.uuid, "name_label": each.name, "content_type": each.content_type})
            for each in options.storages
        ]
        self.host_of = dict(zip(storages, (each.host for each in options.storages), strict=True))
        """Which host sees a storage: its place in the pool."""
        self.add("pool", {"master": hosts[0], "default_SR": storages[0] if storages else NOTHING})

    # Records.

    def add(self, kind: Kind, record: Record) -> str:
        """The reference of a new record; it gets a UUID unless it has one."""
        reference = f"OpaqueRef:{uuid.uuid4()}"
        with self._lock:
            self._records[kind][reference] = {**FIELDS[kind], "uuid": str(uuid.uuid4()), **record}
        return reference

    def records(self, kind: Kind) -> dict[str, Record]:
        """Copies of all records of a kind, by reference."""
        with self._lock:
            return {reference: dict(record) for reference, record in self._records[kind].items()}

    def record(self, kind: Kind, reference: str) -> Record:
        """A copy of one record.

        Raises:
            Failure: There is none.
        """
        with self._lock:
            return dict(self._of(kind, reference))

    def by_uuid(self, kind: Kind, wanted: str) -> str:
        """The reference of the record with a UUID.

        Raises:
            Failure: There is none.
        """
        for reference, record in self.records(kind).items():
            if record["uuid"] == wanted:
                return reference
        raise Failure("UUID_INVALID", kind, wanted)

    def change(self, kind: Kind, reference: str, **fields: Value) -> None:
        """Set fields of a record; nothing happens if it is gone."""
        with self._lock:
            self._records[kind].get(reference, {}).update(fields)

    def remove(self, kind: Kind, reference: str) -> None:
        """Forget a record."""
        with self._lock:
            self._records[kind].pop(reference, None)

    def _of(self, kind: Kind, reference: str) -> Record:
        if reference not in self._records[kind]:
            raise Failure("HANDLE_INVALID", kind, reference)
        return self._records[kind][reference]

    # Sessions.

    def sign_in(self, user: str, password: str, *, trusted: bool) -> str:
        """A session, for the right user or for anybody on a trusted way.

        Raises:
            Failure: The user or the password is wrong; xapi tells that five seconds later.
        """
        if not trusted and (user, password) != (USER, PASSWORD):
            raise Failure("SESSION_AUTHENTICATION_FAILED", user, "Authentication failure")
        session = f"OpaqueRef:{uuid.uuid4()}"
        with self._lock:
            self._sessions[session] = self._expiry()
        return session

    def sign_out(self, session: str) -> None:
        """End a session."""
        with self._lock:
            self._sessions.pop(session, None)

    def check_session(self, session: str) -> None:
        """Nothing, if the session is good.

        Raises:
            Failure: It is not.
        """
        with self._lock:
            if self._sessions.get(session) != self._expiry():
                raise Failure("SESSION_INVALID", session)

    # Tasks.

    def begin_task(self, label: str, description: str = "") -> str:
        """The reference of a new task, which waits for its result."""
        return self.add("task", {"name_label": label, "name_description": description, "created": _now()})

    def cancel_task(self, task: str) -> None:
        """Ask whoever works for a task to give up; he looks now and then."""
        with self._lock:
            self._of("task", task)["current_operations"] = {f"OpaqueRef:{uuid.uuid4()}": "cancel"}
            self._cancelling.add(task)

    def check_cancelling(self, task: str) -> None:
        """Nothing, unless the task is to be cancelled.

        Raises:
            Failure: It is.
        """
        with self._lock:
            if task in self._cancelling:
                raise Failure(_CANCELLED, task)

    def destroy_task(self, task: str) -> None:
        """Forget a task, if need be as soon as it ends."""
        with self._lock:
            if self._of("task", task)["status"] == "pending":
                self._doomed.add(task)
            else:
                self.remove("task", task)

    def succeed(self, task: str, machines: Sequence[str]) -> None:
        """End an import's task; its result is XML: the references of the VMs."""
        self._end_task(task, status="success", result=to_xml(list(machines)))

    def fail(self, task: str, failure: Failure) -> None:
        """End a task; one that was cancelled has no failure."""
        if failure.description[0] == _CANCELLED:
            self._end_task(task, status="cancelled")
        else:
            self._end_task(task, status="failure", error_info=list(failure.description))

    def _end_task(self, task: str, **fields: Value) -> None:
        with self._lock:
            record = self._records["task"].get(task, {})
            if record.get("status") == "pending":
                record.update(fields, progress=1.0, finished=_now(), allowed_operations=[])
            if task in self._doomed:
                self.remove("task", task)

    # VMs.

    def add_machine(self, exported: ExportedMachine, *, restore: bool, force: bool) -> str:
        """The reference of a VM that is imported: a new one, or with `restore` the one that was exported.

        Raises:
            Failure: That one is here already, and not older.
        """
        identity = {"uuid": exported.uuid} if restore else {}
        record: Record = {
            "name_label": exported.name,
            "is_a_template": exported.is_a_template,
            "is_a_snapshot": exported.is_a_snapshot,
            "version": str(exported.version if restore else 0),
        }
        with self._lock:
            for reference, here in self.records("VM").items():
                if restore and here["uuid"] == exported.uuid:
                    if exported.version <= int(str(here["version"])) and not force:
                        versions = str(here["version"]), str(exported.version)
                        raise Failure("VM_TO_IMPORT_IS_NOT_NEWER_VERSION", reference, *versions)
                    self.remove("VM", reference)
            return self.add("VM", {**record, **identity})


def _now() -> Date:
    return Date(time.strftime("%Y%m%dT%H:%M:%SZ", time.gmtime()))
