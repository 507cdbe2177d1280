"""Runs one host's job in its network namespace: starts it on the signal, says when all is done, ends it when told.

Reads JSON lines from standard input: the order (`arguments`, `environment`, `output`, `complete`, `check`, `log`), then
`{"start": T}` (seconds of the monotonic clock). Prints `ready`, then `{"finished": T}` or `{"failed": "..."}`. When its
input ends, it kills what it started and is gone: no process outlives the race, whoever dies first.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

from benchmarks.runner import PR_SET_CHILD_SUBREAPER, descendants

_LAST_WORDS = 1500


def main() -> int:
    """Do what the orders say."""
    if ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        return 1
    order = json.loads(sys.stdin.readline())
    print("ready", flush=True)
    line = sys.stdin.readline()
    if not line:
        return 0
    start = float(json.loads(line)["start"])
    threading.Thread(target=_end_with_input, daemon=True).start()
    time.sleep(max(0.0, start - time.monotonic()))
    print(json.dumps(_run(order)), flush=True)
    threading.Event().wait()  # what was started goes on serving
    return 0


def _run(order: dict[str, object]) -> dict[str, object]:
    output, log = Path(str(order["output"])), Path(str(order["log"]))
    complete = order["complete"]
    with log.open("wb") as out:
        client = subprocess.Popen(
            [str(each) for each in order["arguments"]],  # type: ignore[attr-defined]
            env={str(name): str(value) for name, value in order["environment"].items()},  # type: ignore[attr-defined]
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if complete else out,
            stderr=out,
        )
        whole = _said(client, str(complete), log) if complete else client.wait() == 0
    if not whole:
        return {"failed": f"{order['arguments']}: {log.read_text(errors='replace')[-_LAST_WORDS:]}"}
    if order["check"]:
        with output.open("rb") as file:
            hashlib.file_digest(file, "sha256")
    for path in (output, output.parent):
        descriptor = os.open(path, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)
    return {"finished": time.monotonic()}


def _said(client: subprocess.Popen[bytes], complete: str, log: Path) -> bool:
    """Wait for the line; go on reading after it, or the client would block."""
    assert client.stdout is not None
    for line in client.stdout:
        if line.decode(errors="replace").startswith(complete):
            threading.Thread(target=client.stdout.read, daemon=True).start()
            return True
        with log.open("ab") as out:
            out.write(line)
    return False


def _end_with_input() -> None:
    while sys.stdin.readline():
        pass
    for number in (signal.SIGTERM, signal.SIGKILL):
        for process in descendants(os.getpid()):
            with suppress(ProcessLookupError):
                os.kill(process, number)
        deadline = time.monotonic() + 3.0
        while descendants(os.getpid()) and time.monotonic() < deadline:
            with suppress(ChildProcessError):
                os.waitpid(-1, os.WNOHANG)
            time.sleep(0.02)
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
