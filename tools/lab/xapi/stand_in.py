"""The caller's side of a stand-in for xapi: starts and stops its process, gives it orders, and reads what it took."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

from tools.lab.xapi.import_log import Import, end_all, read_imports
from tools.lab.xapi.options import PASSWORD, STORAGE, USER, Options, Storage
from tools.lab.xapi.orders import Fault, Orders

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

__all__ = ["Fault", "Import", "Storage", "Xapi", "XapiError"]

_ROOT = Path(__file__).resolve().parents[3]
_STOP_SECONDS = 10.0
_LOOK_SECONDS = 0.02


class XapiError(Exception):
    """The stand-in could not be started, or did not come to rest; the message says more."""


class Xapi:
    """A pool of hosts that runs from `start` to `stop`, or while the block of a `with` does.

    Its certificate and what it took stay in its directory. Its sessions, tasks and VMs do not outlive it.
    """

    def __init__(
        self,
        directory: Path,
        hosts: Sequence[str] = ("127.0.0.1",),
        *,
        port: int = 0,
        socket: Path | None = None,
        storages: Sequence[Storage] = (Storage(),),
        progress_seconds: float = 10.0,
        wrapper: Sequence[str] = (),
    ) -> None:
        """Start nothing yet; see `Options` for the meaning of all but the last.

        `wrapper` is a command that the process runs under, such as one that enters a network namespace. XenAPI reads a
        `_` in the path of a socket as `/`.
        """
        self._options = Options(
            directory, tuple(hosts), (port,) * len(hosts), str(socket) if socket else None, tuple(storages),
            progress_seconds=progress_seconds,
        )  # fmt: skip
        self._wrapper = tuple(wrapper)
        self._process: subprocess.Popen[str] | None = None
        self._orders = Orders()
        self._addresses: tuple[str, ...] = ()

    @property
    def url(self) -> str:
        """The master's URL."""
        return self.urls[0]

    @property
    def urls(self) -> tuple[str, ...]:
        """The URLs of all hosts, the master's first."""
        return tuple(f"https://{address}" for address in self._addresses)

    @property
    def certificate(self) -> Path:
        """PEM of the certificate that its clients should trust; it is there while it runs, and afterwards."""
        return self._options.certificate

    @property
    def environment(self) -> dict[str, str]:
        """The variables with which clients sign in."""
        return {"XAPI_USER": USER, "XAPI_PASSWORD": PASSWORD}

    @property
    def storage(self) -> str:
        """The UUID of the first storage."""
        return self._options.storages[0].uuid if self._options.storages else STORAGE

    def start(self) -> None:
        """Start it and wait until it can be reached.

        Raises:
            XapiError: It cannot.
        """
        directory = self._options.directory
        directory.mkdir(parents=True, exist_ok=True)
        self._orders = Orders()
        self._orders.save(directory)
        environment = {**os.environ, "PYTHONPATH": str(_ROOT)}
        with (directory / "process.log").open("w") as log:
            self._process = subprocess.Popen(
                [*self._wrapper, sys.executable, "-m", "tools.lab.xapi.process", self._options.to_json()],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=environment,
                text=True,
                # Ctrl-C in a terminal is for the process that started this, which then stops it.
                start_new_session=True,
            )
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            self.stop()
            raise XapiError(f"the stand-in for xapi did not start: {(directory / 'process.log').read_text()[-2000:]}")
        ready = json.loads(line)
        self._addresses = tuple(ready["addresses"])
        # One that is started again keeps its ports, and so its URLs.
        self._options = replace(self._options, ports=tuple(ready["ports"]))

    def stop(self) -> None:
        """End it, with all imports that are under way."""
        process, self._process = self._process, None
        if process is None:
            return
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        end_all(self._options.imports)

    def order(
        self, *faults: Fault, most_imports: int | None = None, room: int | None = None, impostor: bool = False
    ) -> None:
        """Do this wrong from now on, and nothing else; with no argument, all works again. See `Fault` and `Orders`."""
        serial, expiry = self._orders.serial + 1, self._orders.expiry
        self._orders = Orders(serial, expiry, faults, most_imports, room, impostor)
        self._orders.save(self._options.directory)

    def expire_sessions(self) -> None:
        """End all sessions that there are."""
        self._orders = replace(self._orders, expiry=self._orders.expiry + 1)
        self._orders.save(self._options.directory)

    def imports(self, vm: str | None = None) -> list[Import]:
        """All imports in the order in which they came, those that were refused too; or those of one VM by its name."""
        return [entry for entry in read_imports(self._options.imports) if vm in {None, entry.vm}]

    def whole(self, vm: str) -> int:
        """How many times a VM was delivered whole."""
        return sum(entry.state == "whole" for entry in self.imports(vm))

    def failed(self, vm: str) -> int:
        """How many times an import of a VM failed, once it was known to be of that VM."""
        return sum(entry.state == "failed" for entry in self.imports(vm))

    def wait_until_idle(self, seconds: float = 30.0) -> None:
        """Return when no import is under way.

        Raises:
            XapiError: One still is after so many seconds.
        """
        until = time.monotonic() + seconds
        while any(entry.state == "under way" for entry in self.imports()):
            if time.monotonic() > until:
                raise XapiError(f"imports are still under way after {seconds:g} seconds: {self.imports()}")
            time.sleep(_LOOK_SECONDS)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
