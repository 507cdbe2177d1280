"""Which addresses are this host's own. Asks the system, sends nothing, and needs no rights."""

from __future__ import annotations

import socket


def is_local(address: str) -> bool:
    """Whether an IP address is one of this host's own: no other can be bound."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((address, 0))
    except OSError:
        return False
    return True
