"""Putting plain objects into Swift for the clients that know nothing of releases."""

from __future__ import annotations

import subprocess
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.measure import BenchmarkError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Account:
    """A signed-in account."""

    storage_url: str
    token: str


def sign_in(auth_url: str, user: str, key: str) -> Account:
    """Auth version 1; the storage URL has the host that was asked.

    Raises:
        BenchmarkError: No answer, or no.
    """
    headers = _request("GET", auth_url, {"X-Auth-User": user, "X-Auth-Key": key})
    return Account(headers["X-Storage-Url"], headers["X-Auth-Token"])


def make_container(account: Account, container: str) -> None:
    """Create a container, or keep it.

    Raises:
        BenchmarkError: Refused.
    """
    _request("PUT", f"{account.storage_url}/{container}", {"X-Auth-Token": account.token})


def upload(account: Account, container: str, name: str, file: Path) -> None:
    """Store a file as one object of at most 5 GB.

    Raises:
        BenchmarkError: Refused.
    """
    url = f"{account.storage_url}/{container}/{name}"
    command = ["curl", "-sS", "--fail", "--noproxy", "*", "-H", f"X-Auth-Token: {account.token}", "-T", str(file), url]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchmarkError(f"{file} cannot be stored as {url}: {done.stderr.strip()}")


def _request(method: str, url: str, headers: Mapping[str, str]) -> Mapping[str, str]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    request = urllib.request.Request(url, method=method, headers=dict(headers))
    try:
        with opener.open(request, timeout=30) as answer:
            return dict(answer.headers.items())
    except OSError as fault:
        raise BenchmarkError(f"{method} {url}: {fault}") from fault
