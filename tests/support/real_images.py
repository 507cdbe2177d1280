"""Three versions of a real system as XVA, as `tools/make_images` builds them: made once, then kept in build/images."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def real_images() -> list[Path]:
    """v1.xva, v2.xva and v3.xva: about 206, 295 and 313 MB. `DCDIST_IMAGES` names a folder that has them already."""
    folder = Path(os.environ.get("DCDIST_IMAGES", _ROOT / "build" / "images"))
    paths = [folder / f"v{version}.xva" for version in (1, 2, 3)]
    if not all(path.exists() for path in paths):
        if os.geteuid() != 0:
            pytest.skip("real images are built by root only; run tools/make_images as root once")
        subprocess.run([_ROOT / "tools" / "make_images", "--out", folder], check=True)
    return paths
