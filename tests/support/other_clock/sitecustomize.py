"""Python imports this when it starts, if its folder is on PYTHONPATH: the clock is then CLOCK_AHEAD seconds ahead.

Only what tells the time of day is changed. Seconds are as long as ever, and time that is measured is measured right.
"""

from __future__ import annotations

import datetime
import os
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Self

_AHEAD = int(os.environ["CLOCK_AHEAD"])
_time, _time_ns = time.time, time.time_ns  # noqa: TID251


class _Datetime(datetime.datetime):
    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> Self:
        return super().now(tz) + datetime.timedelta(seconds=_AHEAD)

    @classmethod
    def utcnow(cls) -> Self:
        return super().utcnow() + datetime.timedelta(seconds=_AHEAD)


time.time = lambda: _time() + _AHEAD  # noqa: TID251
time.time_ns = lambda: _time_ns() + _AHEAD * 1_000_000_000
datetime.datetime = _Datetime  # type: ignore[misc]
