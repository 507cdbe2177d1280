"""The examples of the docs run as they stand, in a folder with what they name; only the store is moved there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.xva import Disk, xva

ROOT = Path(__file__).parents[2]
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", (ROOT / "docs" / "library.md").read_text(), re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two images and metadata, as the examples name them."""
    made = tmp_path_factory.mktemp("examples")
    (made / "web.xva").write_bytes(xva(Disk("Ref:9", bytes(range(256)) * 400)))
    (made / "db.xva").write_bytes(xva(Disk("Ref:9", bytes(range(1, 256)) * 400)))
    (made / "metadata").mkdir()
    (made / "metadata" / "order.json").write_text('["db", "web"]')
    return made


def _run(code: str, folder: Path) -> str:
    moved = code.replace("file:///srv/dcdist", (folder / "store").as_uri())
    assert moved != code
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", moved],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_the_examples_of_the_library_run_one_after_the_other(folder: Path) -> None:
    first = _run(EXAMPLES[0], folder)
    assert (folder / "images" / "metadata" / "order.json").exists()
    second, third, fourth, fifth, sixth = (_run(example, folder) for example in EXAMPLES[1:])

    assert first.startswith("web-demo@1 ")
    assert "from the store, 0 from other hosts" in first
    assert (folder / "images" / "web.xva").read_bytes() == (folder / "web.xva").read_bytes()
    # The last one fetches a release that has no metadata.
    assert not (folder / "images" / "metadata").exists()
    # All is there already: nothing went wrong, and nothing more was said.
    assert "not published" not in second
    assert third == "web-demo@1 0\n"
    assert "0 new against web-demo@1" in fourth
    assert "releases newest: web-demo@2" in fifth
    assert sixth == ""
