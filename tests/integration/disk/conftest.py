from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dcdist.disk import DirectoryCache

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
async def cache(tmp_path: Path) -> AsyncIterator[DirectoryCache]:
    async with DirectoryCache(tmp_path) as cache:
        yield cache
