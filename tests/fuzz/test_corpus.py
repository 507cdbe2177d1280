"""Every decoder takes or refuses, within its target's rules, what fuzzing kept, and whatever else there is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.corpus import FOLDER, kept
from tests.fuzz.registry import TARGETS

if TYPE_CHECKING:
    from tests.fuzz.target import Target

EACH = pytest.mark.parametrize("each", TARGETS, ids=[each.name for each in TARGETS])
KEPT = {each.name: kept(each.name) for each in TARGETS}
INPUTS_LIMIT, BYTES_LIMIT = 1000, 1 << 20


@EACH
def test_what_fuzzing_kept_is_taken_or_refused(each: Target) -> None:
    assert KEPT[each.name]
    for data in KEPT[each.name]:
        each.run(data)


@EACH
@settings(deadline=None)  # no test may fail because the machine was busy
@given(data=st.data())
def test_what_is_like_it_is_taken_or_refused(each: Target, data: st.DataObject) -> None:
    near = bytearray(data.draw(st.sampled_from(KEPT[each.name])))
    for _ in range(data.draw(st.integers(0, 4))):
        at = data.draw(st.integers(0, len(near)))
        near[at : at + data.draw(st.integers(0, 8))] = data.draw(st.binary(max_size=8))
    each.run(bytes(near))


def test_the_corpus_is_small_and_of_targets_alone() -> None:
    files = sorted(FOLDER.glob("*.txt"))

    assert [path.stem for path in files] == sorted(each.name for each in TARGETS)
    assert sum(path.stat().st_size for path in files) < BYTES_LIMIT
    assert sum(len(kept(path.stem)) for path in files) < INPUTS_LIMIT
