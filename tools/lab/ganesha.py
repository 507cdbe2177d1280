"""A real NFS server (nfs-ganesha) on this machine: one directory, NFSv4 over one TCP port, no portmapper. Root only.

    with Ganesha(directory, scratch, wrapper=network.command("store")):
        ...  # nfs-cp 'nfs://ADDRESS/export/FILE?version=4&nfsport=12049' FILE

It dies with the process that started it.
"""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

PORT = 12049
READY = "NFS SERVER INITIALIZED"
# Without what it should export it runs all the same, and serves nothing.
_EMPTY = "No export entries found"
_GRAVE = (":CRIT :", ":MAJ :", ":FATAL :", "Cannot bind")
# D-Bus and Kerberos are for servers in production: every start logs that they are missing.
_USUAL = (":DBUS :", "gssd_refresh_krb5", "Cannot register NFS V4", "config_errs_to_log")
_MOST_LINES = 6
_MODULES = ("lib*/*/ganesha/libfsalvfs.so", "lib*/ganesha/libfsalvfs.so")
_START_SECONDS = 20.0
_STOP_SECONDS = 10.0
_CONFIGURATION = """
NFS_CORE_PARAM {{
  Protocols = 4; NFS_Port = {port}; Enable_UDP = false; Enable_NLM = false; Enable_RQUOTA = false;
  mount_path_pseudo = true; Plugins_Dir = "{plugins}";
}}
NFS_KRB5 {{ Active_krb5 = false; }}
NFSv4 {{ Graceless = true; RecoveryRoot = "{scratch}/recovery"; Only_Numeric_Owners = true; }}
EXPORT {{
  Export_Id = 1; Path = "{directory}"; Pseudo = /export; Access_Type = RO; Squash = No_Root_Squash;
  SecType = sys, none; PrivilegedPort = false; Protocols = 4; Transports = TCP; MaxRead = 1048576;
  Filesystem_Id = 192.168; FSAL {{ Name = VFS; }}
}}
"""


class GaneshaError(Exception):
    """The server did not start, or would serve nothing; the message has the errors of its log."""


def missing() -> list[str]:
    """The commands and packages that a server needs and that are not installed."""
    commands = [each for each in ("ganesha.nfsd", "setpriv") if which(each) is None]
    return commands if _plugins() else [*commands, "nfs-ganesha-vfs"]


class Ganesha:
    """An NFS server of `directory`, read only; a context manager.

    It listens on every interface: `wrapper` stands before the command and puts it into a network namespace. `scratch`
    is for its own files.

    Raises:
        GaneshaError: On entering: it cannot serve the directory.
    """

    def __init__(self, directory: Path, scratch: Path, *, wrapper: Sequence[str] = ()) -> None:
        self._directory = directory.resolve()
        self._scratch = scratch.resolve()
        self._wrapper = tuple(wrapper)
        self._process: subprocess.Popen[bytes] | None = None

    @staticmethod
    def url(address: str, name: str) -> str:
        """Where `nfs-cp` finds a file of the directory."""
        return f"nfs://{address}/export/{name}?version=4&nfsport={PORT}"

    def __enter__(self) -> Self:
        if lacking := missing():
            raise GaneshaError(f"the NFS server cannot start: not installed: {', '.join(lacking)}")
        if not self._directory.is_dir():
            raise GaneshaError(f"the NFS server exports directories, and {self._directory} is not one")
        (self._scratch / "recovery").mkdir(parents=True, exist_ok=True)
        configuration, log = self._scratch / "ganesha.conf", self._scratch / "ganesha.log"
        configuration.write_text(
            _CONFIGURATION.format(port=PORT, plugins=_plugins(), scratch=self._scratch, directory=self._directory)
        )
        log.write_bytes(b"")
        command = ["ganesha.nfsd", "-F", "-f", str(configuration), "-L", str(log), "-N", "NIV_EVENT"]
        self._process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *self._wrapper, *command, "-p", str(self._scratch / "pid")],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            self._wait(self._process, log)
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def _wait(self, process: subprocess.Popen[bytes], log: Path) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while READY not in (said := log.read_text(errors="replace")):
            if process.poll() is not None or time.monotonic() > deadline:
                raise GaneshaError(f"the NFS server of {self._directory} did not start: {_complaints(log)}")
            time.sleep(0.02)
        if _EMPTY in said:
            raise GaneshaError(f"the NFS server cannot export {self._directory}: {_complaints(log)}")

    def _stop(self) -> None:
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None


def _complaints(log: Path) -> str:
    """The errors in its log, or else the end of it."""
    lines = log.read_text(errors="replace").splitlines()
    grave = [line for line in lines if any(each in line for each in _GRAVE)]
    errors = [line for line in grave if not any(each in line for each in _USUAL)]
    return "\n".join(line.partition("] ")[2] or line for line in errors[:_MOST_LINES] or lines[-_MOST_LINES:])


def _plugins() -> Path | None:
    """Where the distribution keeps ganesha's modules; None: the one for directories is not installed."""
    found = [each for place in _MODULES for each in sorted(Path("/usr").glob(place))]
    return found[0].parent if found else None
