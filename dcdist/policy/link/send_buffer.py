"""How much may a link have in the kernel, not sent yet or not acknowledged? Its share of what all links may have.

What many senders have under way overflows a receiver's queue and is sent again, and requests wait behind what is not
sent. Where all links are full, that time is lost for good. So the links of a layer share what was measured to fit. A
lone link has no others to spare: the kernel sizes its buffer, by what the link carries.
"""

from __future__ import annotations

from dcdist.model.geometry import KIB

KERNEL = 0
"""Not a size: the kernel chooses, and goes on choosing while the link lives."""

_TOGETHER = 336
"""KiB of the links to seven others, measured at 50 Mbit/s (ADR 12)."""

_LEAST = 48
"""KiB of each. With 32 KiB, loopback stalls: its packets are of 64 KiB, and the kernel doubles what it is asked for."""


def send_buffer(hosts: int, *, before: int) -> int:
    """Bytes of the send buffer of a link that is made now, when so many other hosts are known; or `KERNEL`.

    `before` is what it was: a socket that listens hands its size on to what it accepts, and cannot be freed of it.
    """
    if hosts < 2 and before == KERNEL:
        return KERNEL
    return max(_LEAST, _TOGETHER // max(1, hosts)) * KIB
