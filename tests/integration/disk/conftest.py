from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


def _descriptors() -> dict[str, str]:
    found = {}
    for name in os.listdir("/proc/self/fd"):
        try:
            found[name] = os.readlink(f"/proc/self/fd/{name}")
        except FileNotFoundError:  # the one that listed the folder
            continue
    return {name: target for name, target in found.items() if target.startswith("/") and "/dev/" not in target}


@pytest.fixture(autouse=True)
def nothing_outlives_the_test() -> Iterator[None]:
    """No descriptor of a file and no thread of the disk package is left."""
    before = _descriptors()
    yield
    assert _descriptors() == before
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("dcdist")] == []
