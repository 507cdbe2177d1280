"""How hypothesis runs here: no test may fail because the machine was busy."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("dcdist", deadline=None)
settings.load_profile("dcdist")
