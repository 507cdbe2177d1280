"""Which line and which serial follow from the releases that a publisher's keys signed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcdist.errors import UsageError
from dcdist.formats.manifest import SERIAL_LIMIT
from dcdist.model.identity import UNLINED, LineId, ReleaseName
from dcdist.model.release import Release
from dcdist.publishing.next_in_line import JUMP, LinePosition, next_position
from dcdist.publishing.publish_request import LineChoice

A, B, C, FRESH = (LineId(digit * 32) for digit in "abcf")


def released(version: str, serial: int, line: LineId | None = None, *replaces: LineId) -> Release:
    return Release(ReleaseName("web", version), serial, (), (), (), line, replaces)


def following(*releases: Release, choice: LineChoice = LineChoice()) -> LinePosition:  # noqa: B008
    return next_position("web", releases, choice, fresh=FRESH)


def refused(*releases: Release, choice: LineChoice = LineChoice()) -> str:  # noqa: B008
    with pytest.raises(UsageError) as caught:
        following(*releases, choice=choice)
    return str(caught.value)


def test_the_first_release_of_a_demo_begins_a_line() -> None:
    assert following() == LinePosition(FRESH, 1, (), new=True)


def test_a_demo_older_than_lines_gets_one_and_its_serials_go_on() -> None:
    assert following(released("1", 1), released("2", 2)) == LinePosition(FRESH, 3, (), new=True)


def test_a_line_goes_on_with_what_it_replaces() -> None:
    assert following(released("1", 4, A, B), released("2", 5, A, B)) == LinePosition(A, 6, (B,), new=False)


def test_serials_of_releases_without_a_line_do_not_count_in_a_line() -> None:
    assert following(released("1", SERIAL_LIMIT), released("2", 1, A)).serial == 2


def test_of_two_lines_the_one_that_replaces_the_other_goes_on() -> None:
    assert following(released("1", 90, A), released("2", 1, B, A)) == LinePosition(B, 2, (A,), new=False)


def test_of_two_lines_that_do_not_replace_each_other_one_must_be_chosen() -> None:
    both = released("1", 3, A), released("st-7", 7, B)

    message = refused(*both)
    assert "releases of several lines" in message
    assert f"{B} (newest: web@st-7), {A} (newest: web@1)" in message
    assert "--new-line" in message
    assert following(*both, choice=LineChoice(line=A)) == LinePosition(A, 4, (), new=False)
    assert following(*both, choice=LineChoice(line=A, replaces=(B,))).replaces == (B,)


def test_a_line_that_is_not_here_or_was_replaced_cannot_be_chosen() -> None:
    both = released("1", 3, A), released("2", 1, B, A)

    assert f"line {C} of web has no release here" in refused(*both, choice=LineChoice(line=C))
    assert "omit --line (line=), as the first release of a demo has no line" in refused(choice=LineChoice(line=C))
    message = refused(*both, choice=LineChoice(line=A))
    assert f"line {A} of web was replaced by another one" in message
    assert f"go on with one of these with --line (line=): {B}" in message


def test_lines_that_replace_each_other_leave_a_new_line_alone() -> None:
    circle = released("1", 3, A, B), released("2", 1, B, A)

    message = refused(*circle)
    assert "--new-line" in message
    assert "--line" not in message
    assert following(*circle, choice=LineChoice(new=True)) == LinePosition(FRESH, 1, (A, B), new=True)


@pytest.mark.parametrize(
    "serials", [(JUMP + 1,), (1, JUMP + 2), (1, SERIAL_LIMIT), (SERIAL_LIMIT - 1, SERIAL_LIMIT)], ids=str
)
@pytest.mark.parametrize("line", [A, None])
def test_nothing_is_counted_on_from_a_serial_that_was_not_reached_by_counting(
    serials: tuple[int, ...], line: LineId | None
) -> None:
    releases = [released(str(number), serial, line) for number, serial in enumerate(serials)]

    assert "Publish with --new-line" in refused(*releases)
    expected = (line or UNLINED,)
    assert following(*releases, choice=LineChoice(new=True)) == LinePosition(FRESH, 1, expected, new=True)


def test_serials_that_rise_by_less_go_on() -> None:
    assert following(released("1", JUMP, A)).serial == JUMP + 1
    assert following(released("1", 5, A), released("2", 5 + JUMP, A)).serial == JUMP + 6


def test_a_new_line_replaces_the_releases_without_a_line_too() -> None:
    choice = LineChoice(new=True)
    assert following(released("1", 9), released("2", 4, A), choice=choice) == LinePosition(
        FRESH, 1, (UNLINED, A), new=True
    )
    assert following(released("3", 1, B, UNLINED)) == LinePosition(B, 2, (UNLINED,), new=False)


def test_a_new_line_replaces_all_lines_before_and_those_that_they_replaced() -> None:
    position = following(released("1", 9, A, C), released("2", 4, B), choice=LineChoice(new=True))

    assert position == LinePosition(FRESH, 1, (A, B, C), new=True)


def test_the_lines_that_a_manifest_has_no_room_for_are_named() -> None:
    old = tuple(LineId(f"{number:032x}") for number in range(16))

    position = following(released("1", 1, A, *old), choice=LineChoice(new=True, replaces=(B,)))

    assert position.replaces == (B, A, *old[:14])
    assert position.dropped == old[14:]


def test_a_choice_that_contradicts_itself_is_refused() -> None:
    with pytest.raises(UsageError, match="give one of them"):
        LineChoice(line=A, new=True)
    with pytest.raises(UsageError, match="cannot replace itself"):
        LineChoice(line=A, replaces=(A,))


RELEASES = st.lists(
    st.builds(
        lambda version, serial, line, replaces: released(
            str(version), serial, line, *(replaces - {line} if line else ())
        ),
        st.integers(0, 99),
        st.integers(0, 100) | st.integers(0, SERIAL_LIMIT),
        st.sampled_from([None, A, B, C]),
        st.sets(st.sampled_from([A, B, C])),
    ),
    max_size=8,
)


@given(RELEASES)
def test_whatever_is_there_the_next_serial_is_above_its_line_or_a_new_line_is_the_way(releases: list[Release]) -> None:
    try:
        position = next_position("web", releases, LineChoice(), fresh=FRESH)
    except UsageError:
        position = next_position("web", releases, LineChoice(new=True), fresh=FRESH)
        assert position.serial == 1
        assert set(position.replaces) >= {each.line for each in releases if each.line}
    highest = max((each.serial for each in releases if each.line == position.line), default=0)
    assert highest < position.serial <= SERIAL_LIMIT - JUMP + 1
    assert position.line not in position.replaces
