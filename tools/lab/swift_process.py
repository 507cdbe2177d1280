"""The process that owns a lab Swift: binds, configures, forks the servers, says when all is well, and ends them.

Invariant: nothing outlives it. Its children are killed with it, by the kernel; it ends when its standard input does or
its parent is gone. So nothing is left even when someone up the line is killed without warning.

    python -m tools.lab.swift_process '{"directory": ..., ...}'     # prints one JSON line when Swift answers
"""

from __future__ import annotations

import ctypes
import http.client
import json
import os
import select
import signal
import socket
import sys
import time
import traceback
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from tools.lab.swift_config import KEY, USER, Options, write_settings

if TYPE_CHECKING:
    from collections.abc import Callable

READY_SECONDS = 60.0
_PR_SET_PDEATHSIG = 1
_LOOK_SECONDS = 0.5


def main(argument: str) -> int:
    """Run a Swift with the options in `argument` until it is asked to stop."""
    warnings.filterwarnings("ignore")
    values = json.loads(argument)
    options = Options(**{**values, "directory": Path(values["directory"])})
    _require_attributes(options.directory)
    parent = os.getppid()
    try:
        listeners = _listen(options)
    except OSError as error:
        print(f"{options.bind}:{options.port}: {error.strerror}", file=sys.stderr)
        return 1
    write_settings(options, {kind: listener.getsockname()[1] for kind, listener in listeners.items()})
    wakeup = _wake_on_signals()
    children = _fork_servers(options, listeners)
    address = (_reachable(options.bind), listeners["proxy"].getsockname()[1])
    # Closed here, so that connections to a dead server are refused.
    for listener in listeners.values():
        listener.close()
    try:
        storage = _wait_until_ready(address, children)
        os.truncate(options.traffic, 0)
        print(json.dumps({"port": address[1], "storage": storage}), flush=True)
        _wait_for_end(parent, wakeup, children)
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
    return 0


def _require_attributes(directory: Path) -> None:
    """Swift keeps what it knows of an object in extended attributes of its file."""
    directory.mkdir(parents=True, exist_ok=True)
    probe = directory / "probe"
    probe.touch()
    try:
        os.setxattr(probe, "user.swift.metadata", bytes(2000))
    except OSError as error:
        raise SystemExit(f"{directory} is on a file system without extended attributes: {error.strerror}") from error
    finally:
        probe.unlink()


def _listen(options: Options) -> dict[str, socket.socket]:
    """Bind all ports before anything starts: a busy one is an error at once, and clients may connect early."""
    wanted = {"proxy": (options.bind, options.port)}
    wanted |= dict.fromkeys(("object", "container", "account"), ("127.0.0.1", 0))
    listeners = {}
    for kind, (host, port) in wanted.items():
        listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listener.bind((host, port))
        listener.listen(4096)
        listeners[kind] = listener
    return listeners


def _fork_servers(options: Options, listeners: dict[str, socket.socket]) -> set[int]:
    from tools.lab.swift_daemons import preload, serve

    preload()
    plan = [["object"]] * options.object_workers + [["container", "account"]] + [["proxy"]] * options.proxy_workers
    return {
        _fork(
            options.directory / f"{kinds[0]}.log",
            lambda kinds=kinds: serve(kinds, listeners, options.settings),  # type: ignore[misc]
        )
        for kinds in plan
    }


def _fork(log: Path, run: Callable[[], None]) -> int:
    """Run something in a child that dies with this process and prints to a file."""
    supervisor = os.getpid()
    child = os.fork()
    if child:
        return child
    try:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != supervisor:
            os._exit(1)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        run()
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(1)


def _wake_on_signals() -> int:
    """A descriptor that becomes readable when this process should look around."""
    readable, writable = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(writable)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)
    return readable


def _wait_for_end(parent: int, wakeup: int, children: set[int]) -> None:
    """Until a signal or the end of standard input asks for it, the parent is gone, or a server died."""
    while os.getppid() == parent and not _died(children):
        ready, _, _ = select.select([0, wakeup], [], [], _LOOK_SECONDS)
        if 0 in ready and not os.read(0, 1024):
            return
        if wakeup in ready and set(os.read(wakeup, 1024)) - {signal.SIGCHLD}:
            return


def _died(children: set[int]) -> bool:
    child, _ = os.waitpid(-1, os.WNOHANG)
    if child in children:
        children.discard(child)
        print(f"a server of the lab's Swift died ({child}); see its log", file=sys.stderr)
    return child != 0


def _reachable(bind: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(bind, bind)


def _wait_until_ready(address: tuple[str, int], children: set[int]) -> str:
    """The path of the account, once an object can be put, read and deleted."""
    until = time.monotonic() + READY_SECONDS
    while True:
        try:
            return _try_once(address)
        except (OSError, http.client.HTTPException) as error:
            if time.monotonic() > until or _died(children):
                raise SystemExit(f"the lab's Swift does not answer: {error!r}") from error
            time.sleep(0.02)


def _try_once(address: tuple[str, int]) -> str:
    sign_in = {"X-Auth-User": USER, "X-Auth-Key": KEY}
    headers = _call(address, "GET", "/auth/v1.0", sign_in)
    storage = "/v1/" + headers["X-Storage-Url"].partition("/v1/")[2]
    token = {"X-Auth-Token": headers["X-Auth-Token"]}
    steps = [("PUT", ""), ("PUT", "/object"), ("GET", "/object"), ("DELETE", "/object"), ("DELETE", "")]
    for method, path in steps:
        _call(address, method, f"{storage}/ready{path}", token)
    return storage


def _call(address: tuple[str, int], method: str, path: str, headers: dict[str, str]) -> http.client.HTTPMessage:
    connection = http.client.HTTPConnection(*address, timeout=30)
    try:
        connection.request(method, path, b"ready" if method == "PUT" else None, headers)
        response = connection.getresponse()
        response.read()
        if response.status >= 300:
            raise ConnectionError(f"{method} {path} answered {response.status}")
        return response.headers
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
