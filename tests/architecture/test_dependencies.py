"""What is imported is declared, with bounds; what is declared is imported: who installs dcdist gets what it needs."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
OWN = {"dcdist", "benchmarks", "tests", "tools"}
ONLY_RUN = {
    "pytest-asyncio",  # pytest loads these two by itself
    "pytest-timeout",
}


def imported(*folders: str) -> set[str]:
    """The third-party packages that modules below these folders import, but for what only type checkers see."""
    names = set()
    for folder in folders:
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Import):
                    names |= {alias.name.split(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and node.module:
                    names.add(node.module.split(".")[0])
    return names - OWN - sys.stdlib_module_names - {"_typeshed"}


def declared(*extras: str) -> set[str]:
    """The names of the requirements of dcdist itself, or of these extras; here each package is named as its import."""
    requirements = [each for extra in extras for each in PROJECT["optional-dependencies"][extra]]
    return {re.split(r"[^\w-]", each)[0] for each in requirements or PROJECT["dependencies"]}


def test_the_product_imports_what_it_declares_and_no_more() -> None:
    assert imported("dcdist") == declared()


def test_benchmarks_and_tests_import_what_they_declare_and_no_more() -> None:
    assert imported("benchmarks") - declared() == declared("benchmark")
    assert imported("tests", "tools", "benchmarks") - declared() == declared("test", "fuzz", "benchmark") - ONLY_RUN


def test_every_dependency_has_a_lower_and_an_upper_bound() -> None:
    requirements = [
        *PROJECT["dependencies"],
        *(each for some in PROJECT["optional-dependencies"].values() for each in some),
    ]
    assert [each for each in requirements if not re.fullmatch(r"[\w-]+>=[\d.]+,<[\d.]+", each)] == []


def test_an_import_that_nobody_declared_is_found(tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text("import os\nimport numpy.linalg\nfrom requests.adapters import HTTPAdapter\n")
    assert imported(str(tmp_path)) == {"numpy", "requests"}


def test_the_licence_is_named_as_its_text_says() -> None:
    text = (ROOT / "LICENSE").read_text()
    assert "Apache License\n                           Version 2.0, January 2004" in text
    assert (PROJECT["license"], PROJECT["license-files"]) == ("Apache-2.0", ["LICENSE"])
