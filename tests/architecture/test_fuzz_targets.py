"""Every decoder of bytes that others wrote has a target that fuzzes it.

A decoder is a public function of `formats`, `store` or `disk` that is given bytes, text or headers and is named for
reading them, and any function of dcdist that reads JSON.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

from tests.fuzz.registry import TARGETS

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
FOREIGN = {
    "bytes", "bytes | memoryview", "memoryview", "str", "str | bytes", "str | None", "Iterable[bytes]",
    "Mapping[str, str]",
}  # fmt: skip
READING = (
    "begins", "content", "decode", "from", "http", "is_key", "kind_of", "open_sealed", "open_signed", "parse", "read",
    "receive", "retry", "unpack", "unwrap", "version_mark", "wrapping_of",
)  # fmt: skip
NOT_FOREIGN = {
    "dcdist.cli.worker.handle.Child.records": "what our own process tells through a pipe",
    "dcdist.disk.durable.read_file": "gives the bytes as they are",
    "dcdist.disk.own_file.read_own": "gives the bytes as they are",
    "dcdist.policy.trace._read": "a trace is read by who wrote it",
    "dcdist.store.swift.swift_sign_in.Credentials.from_environment": "the user's own words",
}


def test_every_decoder_has_a_target() -> None:
    """`read` of the store's port is given keys of our own, and gives bytes as they are."""
    fuzzed = {f"{each.__module__}.{each.__qualname__}" for one in TARGETS for each in one.decoders}
    found = {name for name in _decoders() if not (name.startswith("dcdist.store.") and name.endswith(".read"))}

    assert found - fuzzed - set(NOT_FOREIGN) == set(), "decoders without a target in tests/fuzz/targets"
    assert set(NOT_FOREIGN) <= found, "named here, and no decoder any more"


def _decoders() -> Iterator[str]:
    for path in sorted((ROOT / "dcdist").rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        for name, function in _functions(ast.parse(path.read_text()), ".".join(parts)):
            last = name.rpartition(".")[2]
            public = parts[1] in {"formats", "store", "disk"} and not any(
                part.startswith("_") for part in name.split(".")
            )
            if (public and last.startswith(READING) and _is_given_foreign(function)) or _reads_json(function):
                yield name


def _functions(node: ast.AST, place: str) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for each in ast.iter_child_nodes(node):
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{place}.{each.name}", each
        elif isinstance(each, ast.ClassDef):
            yield from _functions(each, f"{place}.{each.name}")


def _is_given_foreign(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    arguments = [each for each in function.args.args if each.arg not in {"self", "cls"}]
    return any(each.annotation is not None and ast.unparse(each.annotation) in FOREIGN for each in arguments)


def _reads_json(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any(isinstance(node, ast.Attribute) and ast.unparse(node) == "json.loads" for node in ast.walk(function))
