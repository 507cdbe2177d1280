"""What is installed is locked: versions within the bounds, with hashes; and root runs nothing that is open to all."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="what root refuses needs root")
ROOT = Path(__file__).resolve().parents[2]
OF_A_USER = {name: value for name, value in os.environ.items() if name != "CI"}
"""Machines of continuous integration have no other users."""
PYPROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT = PYPROJECT["project"]
EXTRAS = PROJECT["optional-dependencies"]
LOCKED = {
    "product": [*PROJECT["dependencies"]],
    "tools": [
        *PROJECT["dependencies"], *EXTRAS["test"], *EXTRAS["check"], *EXTRAS["benchmark"],
        *PYPROJECT["build-system"]["requires"],
    ],
    "fuzz": [*PROJECT["dependencies"], *EXTRAS["fuzz"]],
    "lock": [*PROJECT["dependencies"], *EXTRAS["lock"]],
}  # fmt: skip


def locked(name: str) -> dict[str, set[str]]:
    """The versions by package; where they differ by Python or platform there are several."""
    found: dict[str, set[str]] = {}
    for package, version in re.findall(r"^([a-z0-9-]+)==(\S+)", (ROOT / f"locks/{name}.txt").read_text(), re.MULTILINE):
        found.setdefault(package, set()).add(version)
    return found


def numbers(version: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", version)]


def fits(version: str, bounds: str) -> bool:
    """Whether a version is within bounds such as `>=3.10,<4`."""
    compare = {">=": lambda a, b: a >= b, "<": lambda a, b: a < b}
    return all(compare[sign](numbers(version), numbers(bound)) for sign, bound in re.findall(r"(>=|<)([\d.]+)", bounds))


@pytest.mark.parametrize("name", LOCKED)
def test_every_requirement_is_locked_within_its_bounds(name: str) -> None:
    """After a change to pyproject.toml, run tools/lock."""
    for requirement in LOCKED[name]:
        package, bounds = re.match(r"([\w-]+)(.*)", requirement).groups()  # type: ignore[union-attr]
        versions = locked(name).get(package.lower(), set())
        assert versions, f"{package} is not in locks/{name}.txt"
        assert [version for version in versions if not fits(version, bounds)] == []


@pytest.mark.parametrize("name", LOCKED)
def test_every_locked_version_has_hashes_and_nothing_else_stands_there(name: str) -> None:
    text = (ROOT / f"locks/{name}.txt").read_text().replace("\\\n", "")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    entry = re.compile(r"[a-z0-9-]+==\S+ (?:; [^#]*?)?(?: +--hash=sha256:[0-9a-f]{64})+")
    assert lines
    assert [line[:80] for line in lines if not entry.fullmatch(line)] == []


def test_what_is_tested_is_what_is_installed() -> None:
    tools = locked("tools")
    for package, versions in locked("product").items():
        assert versions <= tools[package], package


@needs_root
@pytest.mark.root
@pytest.mark.parametrize("place", ["tools", "dcdist/__pycache__/x.pyc"])
def test_root_runs_no_tool_from_a_folder_that_all_users_may_write_to(tmp_path: Path, place: str) -> None:
    checkout = tmp_path / "checkout"
    (checkout / "tools").mkdir(parents=True)
    (checkout / "tools" / "environment").write_bytes((ROOT / "tools/environment").read_bytes())
    opened = checkout / place
    opened.parent.mkdir(parents=True, exist_ok=True)
    if not opened.exists():
        opened.touch()
    opened.chmod(0o777)
    done = subprocess.run(
        ["sh", "-eu", "tools/environment"], cwd=checkout, env=OF_A_USER, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr == (
        f"all users may write to {opened}, and root would run what they put there: chmod -R o-w '{checkout}'\n"
    )
    assert not (checkout / ".venv").exists()


@needs_root
@pytest.mark.root
def test_root_runs_no_tool_where_all_users_could_replace_the_folder(tmp_path: Path) -> None:
    above = tmp_path / "above"
    (above / "checkout" / "tools").mkdir(parents=True)
    above.chmod(0o777)
    environment = above / "checkout" / "tools" / "environment"
    environment.write_bytes((ROOT / "tools/environment").read_bytes())
    done = subprocess.run(
        ["sh", "-eu", "tools/environment"],
        cwd=above / "checkout",
        env=OF_A_USER,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, (above / "checkout" / ".venv").exists()) == (1, False)
    assert done.stderr.startswith(f"all users may write to {above}, and could put another folder in place of ")
