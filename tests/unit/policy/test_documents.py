"""docs/policy.md says what the code does."""

from __future__ import annotations

from dcdist.policy.rules import Rule
from tools.policy_table import DOCUMENT, rows, written


def test_the_tables_have_the_numbers_of_the_code() -> None:
    document = DOCUMENT.read_text()
    assert written(document) == document, "run python -m tools.policy_table"


def test_each_rule_that_can_be_switched_off_is_in_the_table() -> None:
    questions = " ".join(question for question, _, _ in rows())
    assert [rule for rule in Rule if f"`{rule}`" not in questions] == []


def test_an_answer_has_two_sentences_at_most() -> None:
    assert [answer for _, _, answer in rows() if answer.count(". ") > 1] == []
