"""What the layout promises: small modules with telling names, each importable alone, documented, typed to the edge."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from collections import defaultdict
from graphlib import TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "dcdist"
MODULES = sorted(PACKAGE.rglob("*.py"))
CHECKED_FOR_LENGTH = sorted(
    path for folder in ("dcdist", "tests", "benchmarks", "tools") for path in (ROOT / folder).rglob("*.py")
)
LINE_LIMIT = 400
PARAMETER_LIMIT = 8
FORBIDDEN_NAMES = {"utils", "util", "common", "core", "helpers", "helper", "manager", "managers", "misc"}
IMPORT_ALONE = """
import importlib, sys
for name in sys.argv[1:]:
    for loaded in [module for module in sys.modules if module.split(".")[0] == "dcdist"]:
        del sys.modules[loaded]
    try:
        importlib.import_module(name)
    except Exception as fault:
        sys.exit(f"{name} cannot be imported by itself: {fault!r}")
"""


def name_of(path: Path) -> str:
    """The dotted name of a module of the package."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def relative(path: Path) -> str:
    """The path as a reader of the repository names it."""
    return path.relative_to(ROOT).as_posix()


def test_no_file_is_longer_than_the_limit() -> None:
    lengths = {relative(path): len(path.read_text().splitlines()) for path in CHECKED_FOR_LENGTH}
    assert {name: lines for name, lines in lengths.items() if lines > LINE_LIMIT} == {}


def test_no_function_takes_more_parameters_than_the_limit() -> None:
    counts = {
        f"{relative(path)}:{node.name}": len(_parameters(node.args))
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert {name: count for name, count in counts.items() if count > PARAMETER_LIMIT} == {}


def _parameters(arguments: ast.arguments) -> list[str]:
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    several = [each for each in (arguments.vararg, arguments.kwarg) if each is not None]
    return [each.arg for each in (*named, *several) if each.arg not in {"self", "cls"}]


def test_no_module_has_a_name_that_says_nothing() -> None:
    words = {relative(path): set(path.stem.split("_")) | {path.parent.name} for path in CHECKED_FOR_LENGTH}
    assert {name: found for name, parts in words.items() if (found := parts & FORBIDDEN_NAMES)} == {}


def test_no_module_name_is_used_twice() -> None:
    places = defaultdict(list)
    for path in MODULES:
        if not path.stem.startswith("__"):
            places[path.stem].append(relative(path))
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def test_no_public_class_name_is_used_twice() -> None:
    places = defaultdict(list)
    for path in MODULES:
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(f"{relative(path)}:{node.lineno}")
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def test_no_import_circle() -> None:
    known = {name_of(path) for path in MODULES}
    imports: dict[str, set[str]] = {}
    for path in MODULES:
        # An `__init__` gives the names of its modules to others: it stands above them.
        found = set()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module in known:
                inner = {f"{node.module}.{alias.name}" for alias in node.names}
                found |= inner & known or {node.module}
        imports[name_of(path)] = found
    TopologicalSorter(imports).prepare()


def test_every_module_imports_alone() -> None:
    names = [name_of(path) for path in MODULES if path.name != "__main__.py"]
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_ALONE, *names], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_every_module_says_what_it_is() -> None:
    silent = [relative(path) for path in MODULES if not ast.get_docstring(ast.parse(path.read_text()))]
    assert silent == []


def test_ports_have_no_untyped_edges() -> None:
    found = [
        f"{relative(path)}:{node.lineno}"
        for path in (PACKAGE / "ports").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if (isinstance(node, ast.Name) and node.id == "Any") or (isinstance(node, ast.alias) and node.name == "Any")
    ]
    assert found == []


def test_the_public_names_are_those_of_all() -> None:
    dcdist = importlib.import_module("dcdist")
    shown_to_type_checkers = {
        alias.asname or alias.name: f"{node.module}.{alias.name}"
        for block in ast.parse((PACKAGE / "__init__.py").read_text()).body
        if isinstance(block, ast.If)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    names = dcdist.__all__
    assert len(names) == len(set(names))
    assert set(names) - {"__version__"} == set(shown_to_type_checkers)
    for name, place in shown_to_type_checkers.items():
        module, _, attribute = place.rpartition(".")
        assert getattr(dcdist, name) is getattr(importlib.import_module(module), attribute), name


def test_importing_the_package_imports_nothing_else() -> None:
    code = "import sys; import dcdist; print([name for name in sys.modules if name.startswith('dcdist.')])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_whoever_calls_into_a_thread_waits_for_its_end_but_where_the_call_may_hang() -> None:
    """A store and a checkup may meet a lost mount or name server, and leave such a thread behind; see `in_thread`."""
    raw = {relative(path) for path in MODULES if "asyncio.to_thread(" in path.read_text()}
    may_hang = ("dcdist/checkup/", "dcdist/store/")
    assert {name for name in raw if not name.startswith(may_hang)} == {"dcdist/tasks.py"}
