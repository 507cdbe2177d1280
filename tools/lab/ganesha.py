"""A real NFS server (nfs-ganesha) on this machine: one directory, NFSv4 over one TCP port, no portmapper. Root only.

    with Ganesha(directory, scratch, wrapper=network.command("store")):
        ...  # nfs-cp 'nfs://ADDRESS/export/FILE?version=4&nfsport=12049' FILE

It dies with the process that started it.
"""

from __future__ import annotations

import subprocess
import time
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from types import TracebackType

PORT = 12049
READY = "NFS SERVER INITIALIZED"
_START_SECONDS = 20.0
_STOP_SECONDS = 10.0
_CONFIGURATION = """
NFS_CORE_PARAM {{
  Protocols = 4; NFS_Port = {port}; Enable_UDP = false; Enable_NLM = false; Enable_RQUOTA = false;
  mount_path_pseudo = true; Plugins_Dir = {plugins};
}}
NFS_KRB5 {{ Active_krb5 = false; }}
NFSv4 {{ Graceless = true; RecoveryRoot = {scratch}/recovery; Only_Numeric_Owners = true; }}
EXPORT {{
  Export_Id = 1; Path = {directory}; Pseudo = /export; Access_Type = RO; Squash = No_Root_Squash;
  SecType = sys, none; PrivilegedPort = false; Protocols = 4; Transports = TCP; MaxRead = 1048576;
  Filesystem_Id = 192.168; FSAL {{ Name = VFS; }}
}}
"""


class GaneshaError(Exception):
    """The server did not start; the message has its last words."""


class Ganesha:
    """An NFS server of `directory`; `scratch` is for its own files. `wrapper` puts it elsewhere, as in a namespace."""

    def __init__(self, directory: Path, scratch: Path, *, wrapper: Sequence[str] = ()) -> None:
        self._directory = directory
        self._scratch = scratch
        self._wrapper = tuple(wrapper)
        self._process: subprocess.Popen[bytes] | None = None

    @staticmethod
    def url(address: str, name: str) -> str:
        """Where `nfs-cp` finds a file of the directory."""
        return f"nfs://{address}/export/{name}?version=4&nfsport={PORT}"

    def __enter__(self) -> Self:
        (self._scratch / "recovery").mkdir(parents=True, exist_ok=True)
        configuration, log = self._scratch / "ganesha.conf", self._scratch / "ganesha.log"
        configuration.write_text(
            _CONFIGURATION.format(
                port=PORT, plugins=_plugins(), scratch=self._scratch, directory=self._directory.resolve()
            )
        )
        log.write_bytes(b"")
        command = ["ganesha.nfsd", "-F", "-f", str(configuration), "-L", str(log), "-N", "NIV_EVENT"]
        self._process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *self._wrapper, *command, "-p", str(self._scratch / "pid")],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + _START_SECONDS
        while READY not in log.read_text(errors="replace"):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self._stop()
                raise GaneshaError(f"the NFS server did not start: {log.read_text(errors='replace')[-1000:]}")
            time.sleep(0.02)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

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


def _plugins() -> str:
    """Where the distribution keeps ganesha's modules."""
    listed = subprocess.run(["dpkg", "-L", "nfs-ganesha-vfs"], capture_output=True, text=True, check=False).stdout
    found = [line.rpartition("/")[0] for line in listed.splitlines() if line.endswith("libfsalvfs.so")]
    return found[0] if found else "/usr/lib/ganesha"
