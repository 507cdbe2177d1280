"""A real OpenStack Swift on this machine, from the PyPI package `swift`: no root, no memcached, a second to start.

    with Swift(directory) as swift:
        swift.environment           # ST_AUTH, ST_USER, ST_KEY
        swift.sent_bytes("demos/")  # what objects of container `demos` were read, counted where it was sent
        swift.order(Fault(path="segments/", status=503))

    python -m tools.lab.swift --dir DIR [--port P] [--bind IP]      # until Ctrl-C

Data stay in the directory; a Swift that is started there again has them.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

from tools.lab.swift_config import KEY, USER, Options
from tools.lab.swift_faults import Fault, Orders

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

__all__ = ["Answer", "Corrupted", "Fault", "Swift", "SwiftError"]

_ROOT = Path(__file__).resolve().parents[2]
_STOP_SECONDS = 20.0


class SwiftError(Exception):
    """Swift could not be started; the message has its last words."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One request that was answered; `path` is below the account, or the whole path outside of one."""

    method: str
    path: str
    status: int


@dataclass(frozen=True, slots=True)
class Corrupted:
    """A byte that was changed on order: when (UNIX time), for which user, in which object and where in it."""

    at: float
    user: str
    path: str
    offset: int


class Swift:
    """A Swift that runs from `start` to `stop`, or while the block of a `with` does."""

    def __init__(
        self,
        directory: Path,
        port: int = 0,
        bind: str = "127.0.0.1",
        *,
        token_life: int = 86_400,
        proxy_workers: int = 1,
        object_workers: int = 1,
        more_users: Sequence[str] = (),
        wrapper: Sequence[str] = (),
    ) -> None:
        """Start nothing yet.

        `directory` must be on a file system with extended attributes; port 0 is any free one; `token_life` is seconds.
        `more_users`: names beside the usual one, in its account and with its key: `test:NAME`.
        `wrapper` stands before the command, for example to run it in a network namespace.
        """
        self._options = Options(
            directory.resolve(), bind, port, token_life, proxy_workers, object_workers, tuple(more_users)
        )
        self._wrapper = tuple(wrapper)
        self._process: subprocess.Popen[str] | None = None
        self._storage = ""
        self._orders = Orders()

    @property
    def url(self) -> str:
        """The proxy's URL."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self._options.bind, self._options.bind)
        return f"http://[{host}]:{self._options.port}" if ":" in host else f"http://{host}:{self._options.port}"

    @property
    def storage_url(self) -> str:
        """The account's URL."""
        return self.url + self._storage

    @property
    def environment(self) -> dict[str, str]:
        """The variables with which clients sign in."""
        return {"ST_AUTH": f"{self.url}/auth/v1.0", "ST_USER": USER, "ST_KEY": KEY}

    def start(self) -> None:
        """Start it and wait until it answers.

        Raises:
            SwiftError: It did not.
        """
        directory = self._options.directory
        directory.mkdir(parents=True, exist_ok=True)
        self._orders = Orders()
        self._orders.save(directory)
        argument = json.dumps({**asdict(self._options), "directory": str(directory)})
        environment = {**os.environ, "PYTHONPATH": str(_ROOT), "PYTHONWARNINGS": "ignore"}
        with (directory / "process.log").open("w") as log:
            self._process = subprocess.Popen(
                [*self._wrapper, sys.executable, "-m", "tools.lab.swift_process", argument],
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
            raise SwiftError(f"Swift did not start: {(directory / 'process.log').read_text()[-2000:]}")
        ready = json.loads(line)
        self._storage = ready["storage"]
        # A Swift that is started again keeps its port, and so its URL.
        self._options = Options(**{**self._fields(), "port": ready["port"]})

    def stop(self) -> None:
        """End it and all its servers; the data stay."""
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

    def order(self, *faults: Fault, listing_lag: float = 0.0) -> None:
        """Make these faults from now on, and no others; with none, all works again.

        Listings lag by so many seconds behind what is put and deleted from now on.
        """
        self._orders = Orders(self._orders.serial + 1, self._orders.expiry, faults, listing_lag)
        self._orders.save(self._options.directory)

    def expire_tokens(self) -> None:
        """Refuse all tokens that were used so far, from now on."""
        now = self._orders
        self._orders = replace(now, serial=now.serial + 1, expiry=now.expiry + 1)
        self._orders.save(self._options.directory)

    def sent_bytes(self, prefix: str = "") -> int:
        """Bytes of objects sent so far, of those whose CONTAINER/NAME begins with `prefix`.

        Counted as they are handed to the connection: parts that a client which went away did not take are in it.
        """
        total = 0
        for method, path, status, amount in self._traffic():
            container, _, name = path.partition("/")
            if method == "GET" and status in {200, 206} and container and name and path.startswith(prefix):
                total += amount or 0
        return total

    def answers(self, method: str = "", containing: str = "") -> list[Answer]:
        """The answers so far, in order; `method` and `containing` (a part of the path) select some."""
        return [
            Answer(made, path, status)
            for made, path, status, amount in self._traffic()
            if amount is None and method in {"", made} and containing in path
        ]

    def corrupted(self) -> list[Corrupted]:
        """The bytes that were changed on order so far, when they were sent; paths are below the account."""
        lines = self._options.corrupted.read_text().splitlines()
        found = [Corrupted(*json.loads(line)) for line in lines]
        return [replace(each, path=each.path.removeprefix(f"{self._storage}/")) for each in found]

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _traffic(self) -> list[tuple[str, str, int, int | None]]:
        """Method, path below the account, status, and bytes of a part of the body; None: the answer itself."""
        lines = self._options.traffic.read_text().splitlines()
        fields = (line.split("\t") for line in lines)
        account = f"{self._storage}/"
        return [
            (method, path.removeprefix(account), int(status), int(amount) if amount else None)
            for method, path, status, amount in fields
        ]

    def _fields(self) -> dict[str, object]:
        return {name: getattr(self._options, name) for name in Options.__slots__}


def main() -> None:
    """Run a Swift until a signal comes."""
    parser = argparse.ArgumentParser(prog="python -m tools.lab.swift", description=__doc__.partition("\n")[0])
    parser.add_argument("--dir", type=Path, required=True, help="where the data are and stay")
    parser.add_argument("--port", type=int, default=0, help="default: any free one")
    parser.add_argument("--bind", default="127.0.0.1", help="default: %(default)s")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with suppress(KeyboardInterrupt), Swift(arguments.dir, arguments.port, arguments.bind) as swift:
            for name, value in swift.environment.items():
                print(f"export {name}={value}", flush=True)
            while True:
                signal.pause()
    except SwiftError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
