"""Who may import, and into which storage: all that is decided before xapi takes over a task.

Follows xapi_http.ml (`assert_credentials_ok`) and import.ml (`handler`). Invariant: who is refused here is told by the
status of HTTP alone; the task, if there is one, stays pending for ever.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from tools.lab.xapi.failures import Failure

if TYPE_CHECKING:
    from tools.lab.xapi.site import Host, Site
    from tools.lab.xapi.wire import Request


class Refused(Exception):  # noqa: N818 - an answer, not an error of this program
    """The request is answered with this status; `location` is where to go instead."""

    def __init__(self, status: int, message: str, location: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.location = location


def admit(site: Site, request: Request, host: Host) -> str:
    """The reference of the storage to import into.

    Raises:
        Refused: Not for this client, or not here.
    """
    if not (host.trusted or _has_credentials(site, request)):
        raise Refused(401, "Please check your credentials and retry.")
    try:
        storage = _storage(site, request)
        place = _place(site, storage)
        _check_task(site, request)
    except Failure as failure:
        raise Refused(500, str(failure)) from failure
    if place != host.place:
        # Cookies are not in it, so whoever has a session in a cookie must send that again.
        location = f"https://{site.addresses[place]}{request.path}?{urlencode(dict(request.query))}"
        raise Refused(302, "another host sees the storage", location)
    return storage


def _has_credentials(site: Site, request: Request) -> bool:
    session, basic = request.given("session_id"), request.basic
    try:
        if session is not None:
            site.database.check_session(session)
        elif basic is not None:
            site.database.sign_out(site.database.sign_in(*basic, trusted=False))
    except Failure:
        return False
    return session is not None or basic is not None


def _storage(site: Site, request: Request) -> str:
    reference, uuid = request.given("sr_id"), request.given("sr_uuid")
    if reference is not None:
        return reference
    if uuid is not None:
        return site.database.by_uuid("SR", uuid)
    (pool,) = site.database.records("pool").values()
    return str(pool["default_SR"])


def _place(site: Site, storage: str) -> int:
    """Of the host that sees a storage."""
    if storage not in site.database.host_of:
        raise Failure("NO_HOSTS_AVAILABLE")
    return site.database.host_of[storage]


def _check_task(site: Site, request: Request) -> None:
    task = request.given("task_id")
    if task is not None:
        site.database.record("task", task)
