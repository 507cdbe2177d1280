"""Calls other hosts as BitTorrent peers do, and says how they answer. Nobody is asked for anything."""

from __future__ import annotations

import asyncio
import errno
import secrets
from contextlib import suppress
from typing import TYPE_CHECKING

from dcdist.checkup.findings.member_findings import Dialled

if TYPE_CHECKING:
    from dcdist.model.identity import Address

CONNECT_SECONDS = 3.0
"""How long a host may take to accept a connection; swarms wait for 5 s."""

_ANSWER_SECONDS = 1.5
_PROTOCOL = b"\x13BitTorrent protocol"  # BEP 3: the length of a name, and the name
_NO_ROUTE = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL, errno.EACCES}


async def dial(address: Address) -> Dialled:
    """Connect, and begin a handshake for a torrent that nobody has.

    A BitTorrent peer then hangs up without a word, and at once (libtorrent 2.1: within some milliseconds).
    """
    connected = await connect(address)
    if isinstance(connected, Dialled):
        return connected
    reader, writer = connected
    first = b""
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            writer.write(_PROTOCOL + bytes(8) + secrets.token_bytes(20) + secrets.token_bytes(20))
            await writer.drain()
            first = await reader.read(len(_PROTOCOL))
    except TimeoutError:
        return Dialled.MUTE
    except OSError:
        pass  # it hung up
    finally:
        await hang_up(writer)
    return Dialled.ANSWERS if _PROTOCOL.startswith(first) else Dialled.OTHER_PROGRAM


async def connect(address: Address) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | Dialled:
    """A connection, or why there is none."""
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            return await asyncio.open_connection(*address)
    except TimeoutError:
        return Dialled.SILENT
    except OSError as error:
        return Dialled.NO_ROUTE if error.errno in _NO_ROUTE else Dialled.REFUSED


async def hang_up(writer: asyncio.StreamWriter) -> None:
    """End a connection."""
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
