"""Writes the tables of docs/policy.md: `python -m tools.policy_table`. Their numbers are those of the code."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from dataclasses import fields
from pathlib import Path

from dcdist.policy import preference
from dcdist.policy.preference import EGRESS, TIME

DOCUMENT = Path(__file__).parent.parent / "docs/policy.md"

SENTENCES = Path(__file__).with_suffix(".txt")
"""Question, module and answer of each row, with the names of constants for numbers: `{module:NAME}`."""


def rows() -> list[tuple[str, str, str]]:
    """Question, module and answer of each row, with numbers."""
    lines = SENTENCES.read_text().splitlines()
    return [(question, module, _filled(answer)) for question, module, answer in (line.split(" | ") for line in lines)]


def rules() -> str:
    """The table of questions."""
    lines = ["| question and rule | module | answer |", "| --- | --- | --- |"]
    lines += [f"| {question} | `{module}.py` | {answer} |" for question, module, answer in rows()]
    return "\n".join(lines)


def preferences() -> str:
    """The table of what differs between the two."""
    lines = ["| | time | egress | what it is |", "| --- | --- | --- | --- |"]
    meanings = _meanings()
    for field in fields(TIME):
        if field.name != "name":
            time, egress = (_plain(getattr(each, field.name)) for each in (TIME, EGRESS))
            lines.append(f"| `{field.name}` | {time} | {egress} | {meanings[field.name]} |")
    return "\n".join(lines)


def written(document: str) -> str:
    """The document with tables that say what the code does."""
    for name, table in (("rules", rules()), ("preferences", preferences())):
        begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
        before, rest = document.split(begin)
        document = f"{before}{begin}\n{table}\n{end}{rest.split(end)[1]}"
    return document


def _filled(answer: str) -> str:
    return re.sub(r"\{([\w.]+):(\w+)(:MiB)?\}", _number, answer)


def _number(match: re.Match[str]) -> str:
    module, name, unit = match.groups()
    value = getattr(importlib.import_module(f"dcdist.policy.{module}"), name)
    return f"{value >> 20} MiB" if unit else _plain(value)


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(map(_plain, value))
    return "never" if value == float("inf") else f"{value:g}"


def _meanings() -> dict[str, str]:
    """The docstrings of the attributes of `Preference`: the first sentence of each."""
    (found,) = (
        node
        for node in ast.parse(inspect.getsource(preference)).body
        if isinstance(node, ast.ClassDef) and node.name == "Preference"
    )
    meanings = {}
    for attribute, text in zip(found.body, found.body[1:], strict=False):
        if isinstance(attribute, ast.AnnAssign) and isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant):
            words = " ".join(str(text.value.value).split())
            meanings[ast.unparse(attribute.target)] = re.split(r"(?<=\.) ", words)[0]
    return meanings


if __name__ == "__main__":
    DOCUMENT.write_text(written(DOCUMENT.read_text()))
