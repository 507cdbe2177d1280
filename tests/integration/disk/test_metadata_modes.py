"""Which modes metadata files get."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from dcdist.disk import DirectoryDestination

if TYPE_CHECKING:
    from pathlib import Path


async def test_metadata_is_executable_if_it_is_said_to_be_and_the_umask_applies(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        async with DirectoryDestination(tmp_path) as destination:
            await destination.write_metadata("run.sh", b"#!", executable=True)
            await destination.write_metadata("scripts/run.sh", b"#!", executable=True)
            await destination.write_metadata("order.json", b"[]")
            os.umask(0o077)
            await destination.write_metadata("own.sh", b"#!", executable=True)
    finally:
        os.umask(before)
    files = [path for path in (tmp_path / "metadata").rglob("*") if path.is_file()]
    modes = {path.relative_to(tmp_path / "metadata").as_posix(): stat.S_IMODE(path.stat().st_mode) for path in files}
    assert modes == {"run.sh": 0o755, "scripts/run.sh": 0o755, "order.json": 0o644, "own.sh": 0o700}


async def test_a_file_that_is_replaced_gets_the_mode_of_the_new_one(tmp_path: Path) -> None:
    async with DirectoryDestination(tmp_path) as destination:
        await destination.write_metadata("run.sh", b"#!", executable=True)
        await destination.write_metadata("run.sh", b"")
    assert not os.access(tmp_path / "metadata" / "run.sh", os.X_OK)
