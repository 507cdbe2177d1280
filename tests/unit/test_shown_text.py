"""What comes from elsewhere is shown, and commands neither a terminal nor a reader's eye."""

from __future__ import annotations

import pytest

from dcdist.errors import StoreError
from dcdist.shown_text import on_one_line, printable

EVIL = {
    "\x1b[31mred": r"\x1b[31mred",  # C0
    "\x9b2Jgone": r"\x9b2Jgone",  # C1: the same as ESC [ on many terminals
    "\x7f": r"\x7f",
    "a\u202egpj.exe": r"a\u202egpj.exe",  # shown from right to left
    "a\u2066b\u2069": r"a\u2066b\u2069",
    "a\u2028b\u2029c\x85d": r"a\u2028b\u2029c\x85d",  # separators of lines
    "a\u200bb\ufeff": r"a\u200bb\ufeff",  # nothing to see
    "file\udcff": r"file\udcff",  # a name that is not UTF-8
    "a\r\nb": r"a\r\nb",
}


@pytest.mark.parametrize("text", EVIL)
def test_control_characters_appear_as_their_escapes(text: str) -> None:
    assert on_one_line(text) == EVIL[text]


@pytest.mark.parametrize("text", EVIL)
def test_what_is_shown_once_stays_as_it_is(text: str) -> None:
    assert on_one_line(on_one_line(text)) == on_one_line(text)


@pytest.mark.parametrize("text", ["", "web-demo@2", "größe 名前 \N{FACE WITH TEARS OF JOY}"])
def test_what_can_be_shown_stays_as_it_is(text: str) -> None:
    assert on_one_line(text) == printable(text) == text


def test_our_own_lines_stay_lines() -> None:
    assert printable("one\n  two\x1b\r\nthree") == "one\n  two\\x1b\\r\nthree"


def test_the_message_of_an_error_is_one_line_whatever_a_server_put_into_it() -> None:
    error = StoreError("swift: 503 (X-Trans-Id tx\n2026 forged\x1b]0;title\x07)", store="s")
    error.add_context(note="tried twice")
    assert str(error) == r"swift: 503 (X-Trans-Id tx\n2026 forged\x1b]0;title\x07); tried twice"
