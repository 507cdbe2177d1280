"""What is said of this host: its software, its limits and its memory. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dcdist.checkup.findings.finding import Check, failed, ok, skipped, warning
from dcdist.model.quantities import show_bytes

if TYPE_CHECKING:
    from dcdist.checkup.findings.finding import Finding

_LIBTORRENT = "2.1."
_TOO_FEW_FILES = 128
_FEW_FILES = 4096
_LITTLE_MEMORY = 256 << 20


@dataclass(frozen=True, slots=True)
class SoftwareSeen:
    """Versions; `libtorrent` is empty and `fault` says why, if it cannot be loaded."""

    dcdist: str
    python: str
    libtorrent: str
    fault: str = ""


def of_software(seen: SoftwareSeen) -> Finding:
    """Versions, and whether libtorrent loads."""
    told = f"dcdist {seen.dcdist}, Python {seen.python}"
    if not seen.libtorrent:
        return failed(
            Check.SOFTWARE,
            f"{told}; libtorrent cannot be loaded: {seen.fault}",
            "install it in the same Python: python -m pip install 'libtorrent>=2.1,<2.2'",
        )
    told += f", libtorrent {seen.libtorrent}"
    if not seen.libtorrent.startswith(_LIBTORRENT):
        advice = "install the version that dcdist is made for: python -m pip install 'libtorrent>=2.1,<2.2'"
        return warning(Check.SOFTWARE, told, advice)
    return ok(Check.SOFTWARE, told)


def of_open_files(limit: float) -> Finding:
    """`limit`: the most files that this process may have open; infinite if there is no limit."""
    told = "no limit of open files" if limit == float("inf") else f"up to {limit:.0f} open files"
    advice = "raise it: ulimit -n 16384, or LimitNOFILE=16384 in a systemd unit; each link to a host is one"
    if limit < _TOO_FEW_FILES:
        return failed(Check.OPEN_FILES, told, advice)
    if limit < _FEW_FILES:
        return warning(Check.OPEN_FILES, f"{told}: few for a large fleet and a release of many layers", advice)
    return ok(Check.OPEN_FILES, told)


def of_memory(available: int | None) -> Finding:
    """`available` bytes for this process; None: the system does not say."""
    if available is None:
        return skipped(Check.MEMORY, "the system does not say how much is available")
    told = f"{show_bytes(available)} available"
    if available < _LITTLE_MEMORY:
        return warning(Check.MEMORY, told, "free some, or raise the limit of the container: a fetch takes up to 256 MB")
    return ok(Check.MEMORY, told)
