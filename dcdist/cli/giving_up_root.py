"""Whom a process of root becomes when it goes on seeding alone, and how.

Invariant: it never costs the seeding: where the user could not do what a seeder does, the process stays root's and says
why. From other hosts it then takes bytes as a user who may read layers and write nothing.
"""

from __future__ import annotations

import os
import pkgutil
import stat
import sys
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes, urlsplit

from dcdist.cli.host_user import ENTER, READ, WRITE, HostUser
from dcdist.errors import UsageError

if TYPE_CHECKING:
    from dcdist.cli.faults import Json

DEFAULT_USER = "dcdist"

_LOADED_LATE = ("encodings.idna", "platform")
"""Modules of Python's own that are loaded when they are needed first."""

_CAPABILITIES = {"CAP_CHOWN": 0, "CAP_SETGID": 6, "CAP_SETUID": 7}
"""What becoming another user takes, with its bit (capabilities(7)): a root of a container may lack it."""

_ADVICE = "make one (useradd --system dcdist), or name another with --user"


@dataclass(frozen=True, slots=True)
class SeedingUser:
    """Whom to become; None: nobody, for a `reason` in words, which is empty if there is nothing to give up.

    `asked`: --user named that user.
    """

    account: HostUser | None = None
    reason: str = ""
    asked: bool = False


def seeding_user(name: str | None, *, cache: Path, heartbeats: Path | None) -> SeedingUser:
    """Whom this process is to become: the user `name`, else the one called dcdist if there is one.

    `heartbeats`: the folder of a store where they are written; None if they go over the network. Blocks.

    Raises:
        UsageError: There is no such user, or this process is not root's and may not become it.
    """
    account = HostUser.named(name or DEFAULT_USER)
    if name and account is None:
        raise UsageError(f"--user {name}: this host has no user {name}; {_ADVICE}")
    if os.geteuid() != 0:
        if name and account is not None and account.uid != os.geteuid():
            raise UsageError(f"--user {name}: only root can become another user; run dcdist as {name}, or omit it")
        return SeedingUser()
    if account is None:
        return SeedingUser(reason=f"this host has no user {DEFAULT_USER}: {_ADVICE}")
    if account.uid == 0:
        return SeedingUser()
    reason = _reason_against(account, cache, heartbeats)
    return SeedingUser(None if reason else account, reason, asked=bool(name))


def folder_of_heartbeats(store: str, demo: str, realm: str) -> Path | None:
    """Where a store that is a directory has the heartbeats of a swarm; None of another store."""
    from dcdist.formats.object_names import swarm_prefix

    parts = urlsplit(store)
    if parts.scheme != "file":
        return None
    return Path(os.fsdecode(unquote_to_bytes(os.fsencode(parts.path)))) / swarm_prefix(demo, realm)


def become(account: HostUser, cache: Path) -> str:
    """Let that user read the layers of the cache, and become it; why not, in words; empty if it was done. Blocks."""
    from dcdist.disk.group_access import let_group_read

    try:
        _load_all_modules()
        for data in let_group_read(cache, account.gid):
            if barred := account.barred_from(data, READ):
                return barred
        account.become()
    except OSError as error:
        return f"the system refused: {error.strerror}"
    return ""


def seeding_as(becoming: SeedingUser, reason: str) -> dict[str, Json]:
    """The record of whom this process seeds as, unless root had nothing to do with it.

    `reason`: why it is still root; empty if it is not.
    """
    if not reason and becoming.account is None:
        return {}
    user = "root" if reason or becoming.account is None else becoming.account.name
    return {"event": "seeding_as", "user": user, "reason": reason}


def _reason_against(account: HostUser, cache: Path, heartbeats: Path | None) -> str:
    """What would keep that user from seeding, in words."""
    if lacking := _lacking_capabilities():
        return f"this process may not become {account.name}: it lacks {', '.join(lacking)}"
    above = next(folder for folder in cache.absolute().parents if folder.exists())
    if heartbeats is not None and not heartbeats.is_dir():
        return f"{account.name} could not write to {heartbeats}, which root will make"
    barred = account.barred_from(above, ENTER)
    if barred or heartbeats is None:
        return barred
    return account.barred_from(heartbeats, WRITE | ENTER) or _kept_for_root(account, heartbeats)


def _kept_for_root(account: HostUser, heartbeats: Path) -> str:
    """Why the heartbeats of root in that folder could not be renewed, or removed at the end; empty if they could."""
    status = heartbeats.stat()
    if not status.st_mode & stat.S_ISVTX or status.st_uid == account.uid:
        return ""
    mode = stat.S_IMODE(status.st_mode)
    return f"{heartbeats} is sticky (mode {mode:04o}): {account.name} could not renew the heartbeat of root there"


def _lacking_capabilities() -> list[str]:
    """What this process lacks to become another user; nothing if /proc does not say."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return []
    for line in status.splitlines():
        if line.startswith("CapEff:"):
            has = int(line.split()[1], 16)
            return [name for name, bit in _CAPABILITIES.items() if not has >> bit & 1]
    return []


def _load_all_modules() -> None:
    """Load what is loaded when it is needed first: the user may not read Python, as where it is in root's home."""
    for name, package in list(sys.modules.items()):
        if name.startswith("dcdist.") and hasattr(package, "__path__"):
            for module in pkgutil.iter_modules(package.__path__, f"{name}."):
                if not module.ispkg:
                    import_module(module.name)
    for name in _LOADED_LATE:
        with suppress(ImportError):
            import_module(name)
