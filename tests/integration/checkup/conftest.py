"""Checks have time here, however loaded the machine is."""

from __future__ import annotations

import pytest

from dcdist.checkup import bounded


@pytest.fixture(autouse=True)
def time_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded, "EACH", 60.0)
    monkeypatch.setattr(bounded, "TOGETHER", 90.0)
