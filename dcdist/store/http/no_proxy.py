"""Which hosts need no proxy, by `no_proxy`: names as the standard library, addresses and ranges as curl.

Entries are separated by commas or spaces: `*`, `example.com` and `.example.com` (with all below), `10.0.0.0/8`,
`fd00::/8`, `[::1]`; each but a range may end in `:PORT`. Pure: no name is resolved to see whether its address is in a
range.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.request import proxy_bypass

_Network = tuple[IPv4Network | IPv6Network, int | None]
_WITH_PORT = re.compile(r"(?:\[(?P<six>[^]]*)\]|(?P<other>[^:]*))(?::(?P<port>[0-9]{1,5}))?")


class NoProxy:
    """The entries of one variable."""

    def __init__(self, text: str) -> None:
        entries = [each for each in re.split(r"[\s,]+", text) if each]
        read = [_network(each) for each in entries]
        self._all = "*" in entries
        self._networks = [each for each in read if each is not None]
        names = [each.removeprefix("*") for each, network in zip(entries, read, strict=True) if network is None]
        self._names = {"no": ",".join(each for each in names if each)}

    def covers(self, host: str, port: int | None) -> bool:
        """Whether requests to `host`, a name or an address without brackets, need no proxy."""
        if self._all:
            return True
        address = _address(host)
        if address is None:
            place = host if port is None else f"{host}:{port}"
            return bool(self._names["no"] and proxy_bypass(place, self._names))
        return any(address in network and wanted in (None, port) for network, wanted in self._networks)


def _network(entry: str) -> _Network | None:
    """An address or a range of them, and its port; None: it is a name."""
    match = _WITH_PORT.fullmatch(entry)
    text, port = (match["six"] or match["other"], match["port"]) if match else (entry, None)
    try:
        return ip_network(text, strict=False), None if port is None else int(port)
    except ValueError:
        return None


def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address
