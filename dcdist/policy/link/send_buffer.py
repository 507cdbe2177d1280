"""How much may a link have in the kernel, not sent yet or not acknowledged? Its share of what all links may have.

What many senders have under way overflows a receiver's queue and is sent again, and requests wait behind what is not
sent. So the links of a layer share what was measured to fit. A lone link has it all, which fills a fast one; the
kernel's own choice has no bound, and then who also draws from the store was late at 1 Gbit/s (ADR 12).
"""

from __future__ import annotations

from dcdist.model.geometry import KIB

_TOGETHER = 336
"""KiB of the links to seven others, measured at 50 Mbit/s (ADR 12)."""

_LEAST = 48
"""KiB of each. With 32 KiB, loopback stalls: its packets are of 64 KiB, and the kernel doubles what it is asked for."""


def send_buffer(hosts: int) -> int:
    """Bytes of the send buffer of a link that is made now, when so many other hosts are known."""
    return max(_LEAST, _TOGETHER // max(1, hosts)) * KIB
