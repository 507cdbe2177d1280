from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from dcdist.catalog import read_again
from dcdist.engine import driving
from dcdist.policy.planner_options import PlannerOptions
from dcdist.policy.requests.rereading import PATIENT
from dcdist.policy.requests.retry import Backoff
from dcdist.store import retrying
from tests.support.fault_site import site
from tests.support.tcp_link import TcpLink

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.support.fault_site import FaultSite

__all__ = ["site"]


@pytest.fixture
async def link(site: FaultSite) -> AsyncIterator[TcpLink]:
    """Between the hosts and Swift."""
    port = urlsplit(site.swift.url).port
    assert port is not None
    async with TcpLink(port) as link:
        yield link


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fetches in this process give up after seconds, not minutes."""
    monkeypatch.setattr(driving, "PlannerOptions", partial(PlannerOptions, passing_patience=3.0, lasting_patience=1.0))
    monkeypatch.setattr(retrying, "Backoff", partial(Backoff, tries=3, first=0.1))
    monkeypatch.setattr(read_again, "PATIENT", replace(PATIENT, first=0.1, longest=0.2, total=1.0))
