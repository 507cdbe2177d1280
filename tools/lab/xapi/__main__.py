"""Runs a stand-in for xapi until Ctrl-C: `python -m tools.lab.xapi --dir DIR`."""

from __future__ import annotations

import argparse
import signal
import sys
from contextlib import suppress
from pathlib import Path

from tools.lab.xapi.stand_in import Xapi, XapiError


def main() -> None:
    """Run one, and say how to reach it."""
    parser = argparse.ArgumentParser(prog="python -m tools.lab.xapi", description="A stand-in for xapi, until Ctrl-C.")
    parser.add_argument("--dir", type=Path, required=True, help="where the certificate, the log and the disks are kept")
    parser.add_argument("--host", action="append", help="address of a host, the master's first; default: 127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="default: any free one")
    parser.add_argument("--socket", type=Path, help="path of a socket for this machine")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    hosts = arguments.host or ["127.0.0.1"]
    try:
        with (
            suppress(KeyboardInterrupt),
            Xapi(arguments.dir, hosts, port=arguments.port, socket=arguments.socket) as xapi,
        ):
            for name, value in xapi.environment.items():
                print(f"export {name}='{value}'")
            print(f"# {' '.join(xapi.urls)}, certificate {xapi.certificate}, storage {xapi.storage}", flush=True)
            while True:
                signal.pause()
    except XapiError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
