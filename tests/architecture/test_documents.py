"""What the documents promise: tables that can be read at a glance, and links that lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted((*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")))
SENTENCES_IN_A_CELL = 2
END_OF_SENTENCE = re.compile(r"[.!?](?=\s+[A-Z`*(])")
LINK = re.compile(r"""(?:\]\(|(?:src|srcset)=")([^)#\s"]+)""")


def cells(document: str) -> list[str]:
    """The cells of all tables; code is taken out, as its dots end no sentence."""
    rows = (line for line in document.splitlines() if line.startswith("|"))
    plain = (re.sub(r"`[^`]*`", "`code`", row) for row in rows)
    return [cell.strip() for row in plain for cell in row.strip("|").split("|")]


def sentences(cell: str) -> int:
    """How many sentences a cell has."""
    return len(END_OF_SENTENCE.findall(cell)) + 1


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_table_cell_is_longer_than_two_sentences(path: Path) -> None:
    assert [cell for cell in cells(path.read_text()) if sentences(cell) > SENTENCES_IN_A_CELL] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_link_to_a_file_leads_to_one(path: Path) -> None:
    links = [link for link in LINK.findall(path.read_text()) if "://" not in link]
    assert [link for link in links if not (path.parent / link).exists()] == []


def test_pictures_are_links_too() -> None:
    assert LINK.findall('[a](b.md#c) <source srcset="d.svg"> <img src="e.svg" alt="f">') == ["b.md", "d.svg", "e.svg"]


def test_a_cell_of_three_sentences_is_found() -> None:
    assert [sentences(cell) for cell in cells("| Short. | One. Two. Three. `a. B. C.` |")] == [1, 4]


def test_the_design_names_every_package_and_nothing_that_does_not_exist() -> None:
    design = (ROOT / "docs/design.md").read_text()
    table = design[design.index("## Packages") : design.index("## Theory")]
    listed = re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)
    packages = {path.parent.name for path in (ROOT / "dcdist").glob("*/__init__.py")}
    modules = {path.stem for path in (ROOT / "dcdist").glob("*.py")}
    assert set(listed) - modules == packages
