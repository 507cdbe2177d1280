"""Runs checks, each within a bound, and reports each finding at once.

Invariant: a check ends with a finding, whatever happens to it; only a bug or a cancellation ends the whole. A thread
that hangs in the system (a name server, a lost mount) is left behind: none of them changes what a fetch would find.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from dcdist.checkup.findings.error_findings import of_error, of_refusal, of_silence
from dcdist.errors import DcdistError, InvariantError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from dcdist.checkup.findings.finding import Check, Finding

EACH = 8.0
"""Seconds that one check may take."""

TOGETHER = 25.0
"""Seconds from the beginning after which no check goes on."""


class BoundedChecks:
    """The checks of one host; `report` is called with each finding."""

    def __init__(self, report: Callable[[Finding], None]) -> None:
        self.findings: list[Finding] = []
        self._report = report
        self._end = asyncio.get_running_loop().time() + TOGETHER

    def note(self, finding: Finding) -> Finding:
        """A check ended so."""
        self.findings.append(finding)
        self._report(finding)
        return finding

    async def examine(self, check: Check, probe: Callable[[], Awaitable[Finding]]) -> Finding:
        """Wait for what `probe` finds, for a while, and note it or what came instead."""
        seconds = max(0.0, min(EACH, self._end - asyncio.get_running_loop().time()))
        try:
            async with asyncio.timeout(seconds) as bound:
                finding = await probe()
        except InvariantError:
            raise
        except DcdistError as error:
            finding = of_error(check, error)
        except (OSError, MemoryError) as error:
            # The system's own time-outs are of the same kind as the bound.
            is_late = isinstance(error, TimeoutError) and bound.expired()
            finding = of_silence(check, seconds) if is_late else of_refusal(check, error)
        return self.note(finding)
