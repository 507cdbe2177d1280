"""Standard input, output and error that the caller closed: their places are filled, so that nothing else gets them.

Invariant: once filled, no file that this process opens has the number 0, 1 or 2, and so gets what is meant for people.
"""

from __future__ import annotations

import os
import sys


def fill_standard_places() -> None:
    """Open /dev/null in each place that is closed; output that is written there is lost, as the caller asked.

    Raises:
        OSError: There is no /dev/null, or it cannot be opened.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
    # The interpreter has None for what was closed when it began. For input that stays: it tells of a caller's mistake.
    if sys.stdout is None:
        sys.stdout = os.fdopen(1, "w", closefd=False)
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w", closefd=False)
