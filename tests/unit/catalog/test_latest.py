"""Which release a host takes of those that trusted keys signed."""

from __future__ import annotations

import pytest

from dcdist.catalog.latest import Choice, admit_named, choose_latest, latest_for_all, no_latest
from dcdist.errors import LineError, RollbackError
from dcdist.model.identity import NO_LINE, UNLINED, LineId, ReleaseName
from dcdist.model.release import Release, SignedRelease
from dcdist.model.seen import SeenDemo, SeenLine

A, B, C, D = (LineId(letter * 32) for letter in "abcd")
STORE, KEY = "swift://demos", "0123456789abcdef"


def of(version: str, serial: int, line: LineId | None = None, replaces: tuple[LineId, ...] = ()) -> SignedRelease:
    return SignedRelease(Release(ReleaseName("web", version), serial, (), (), (), line, replaces), frozenset({KEY}))


def seen(*releases: SignedRelease, before: int = 0) -> SeenDemo:
    """What a host has seen that took these, one after the other."""
    found = SeenDemo(before=before)
    for each in releases:
        found = found.noted(STORE, each, left=(), chosen=False)
    return found


def choose(*found: SignedRelease, seen: SeenDemo | None = None, line: LineId | None = None) -> Choice:
    return choose_latest(found, seen or SeenDemo(), line=line, source=STORE)


def taken(*found: SignedRelease, seen: SeenDemo | None = None, line: LineId | None = None) -> str:
    return choose(*found, seen=seen, line=line).taken.release.name.version


def test_without_lines_the_highest_serial_is_the_latest() -> None:
    assert taken(of("1", 1), of("3", 3), of("2", 2)) == "3"


def test_a_host_that_has_seen_nothing_follows_the_only_line_whatever_serials_others_without_one_have() -> None:
    assert taken(of("1", 9), of("2", 2, A), of("3", 3, A)) == "3"


def test_a_host_stays_on_its_line_whatever_serials_another_has() -> None:
    staging = of("staging", 50, B)
    assert taken(of("1", 1, A), of("2", 2, A), staging, seen=seen(of("1", 1, A))) == "2"
    assert taken(of("2", 2, A), of("plain", 60), seen=seen(of("1", 1, A))) == "2"


def test_a_host_goes_on_to_the_line_that_replaces_its_own_and_leaves_that_for_good() -> None:
    old, new = of("1", 9, A), of("2", 1, B, (A,))
    choice = choose(old, new, seen=seen(old))
    assert (choice.taken, choice.left) == (new, frozenset({A}))

    after = seen(old).noted(STORE, new, left=choice.left, chosen=False)
    back = of("3", 99, A, (B,))
    assert taken(old, new, back, seen=after) == "2"
    with pytest.raises(
        LineError,
        match=f"is of line {A}, which this host left: it follows line {B}. .* with --line {A} .* until --line {B}",
    ):
        admit_named(back, after, line=None, source=STORE)


def test_only_a_line_that_says_so_sets_aside_the_serials_of_releases_without_one() -> None:
    before = seen(of("1", 9), before=12)
    with pytest.raises(RollbackError, match="has seen serial 12 by the record"):
        choose(of("2", 1, A), seen=before)
    assert choose(of("2", 1, A, (UNLINED,)), seen=before) == Choice(of("2", 1, A, (UNLINED,)))
    assert admit_named(of("1", 1, A, (UNLINED,)), before, line=None, source=STORE).taken.release.serial == 1
    with pytest.raises(RollbackError):
        admit_named(of("1", 1, A), before, line=None, source=STORE)


def test_several_steps_are_one_way() -> None:
    chain = of("1", 9, A), of("2", 1, B, (A,)), of("3", 1, C, (B,))
    choice = choose(*chain, seen=seen(chain[0]))
    assert (choice.taken, choice.left) == (chain[2], frozenset({A, B}))


def test_lines_that_replace_each_other_move_nobody() -> None:
    first, second = of("1", 9, A, (B,)), of("2", 1, B, (A,))
    assert taken(first, second, seen=seen(of("1", 8, A))) == "1"
    with pytest.raises(LineError, match="several lines"):
        choose(first, second)


def test_a_host_without_a_line_does_not_guess_among_several() -> None:
    with pytest.raises(LineError) as caught:
        choose(of("1", 1, A), of("2", 50, B))

    assert str(caught.value) == (
        f"swift://demos has releases of several lines, and none replaces the others, so it is not clear which one to "
        f"follow: line {B} (newest web@2, serial 50), line {A} (newest web@1, serial 1). Choose with --line ID (line), "
        "or name the version"
    )
    assert taken(of("1", 1, A), of("2", 50, B), line=A) == "1"
    assert taken(of("1", 1, A), of("2", 50, B), of("0", 7), line=NO_LINE) == "0"


def test_two_lines_that_both_replace_the_hosts_are_not_guessed_among() -> None:
    with pytest.raises(LineError, match="several lines"):
        choose(of("1", 1, A), of("2", 1, B, (A,)), of("3", 1, C, (A,)), seen=seen(of("1", 1, A)))


def test_lines_that_another_replaces_are_not_offered() -> None:
    with pytest.raises(LineError, match=f"to follow: line {C} .newest web@3, serial 1., line {B} [^,]*, serial 1.. Ch"):
        choose(of("1", 9, A), of("2", 1, B, (A,)), of("3", 1, C, (A,)))


def test_a_store_that_has_other_lines_only_is_not_followed() -> None:
    with pytest.raises(LineError, match=f"no release of web of line {A}, which this host follows"):
        choose(of("2", 50, B), of("3", 4), seen=seen(of("1", 1, A)))


def test_a_line_that_the_user_names_and_that_is_not_there_is_said() -> None:
    with pytest.raises(LineError) as caught:
        choose(of("1", 1, A), line=B)

    assert str(caught.value) == (
        f"swift://demos has no release of web of line {B}, which --line (line) names; it has line {A} (newest web@1, "
        "serial 1). Name one of these, or the version"
    )
    assert str(no_latest([of("1", 1, A).release], line=B, source=STORE)) == str(caught.value)
    assert "of web of no line" in str(no_latest([of("1", 1, A).release], line=NO_LINE, source=STORE))


def test_a_line_that_the_user_chose_is_the_hosts_from_then_on() -> None:
    old, new = of("1", 9, A), of("2", 1, B, (A,))
    there = seen(old).noted(STORE, new, left={A}, chosen=False)
    choice = choose(old, new, seen=there, line=A)
    assert (choice.taken, choice.left) == (old, frozenset({B}))
    after = there.noted(STORE, old, left=choice.left, chosen=True)
    assert after.pin == A
    assert taken(old, new, seen=after) == "1"


def test_the_latest_of_a_line_does_not_go_back() -> None:
    for line in (None, A):
        with pytest.raises(RollbackError, match="with serial 3, but this host has seen serial 5 there"):
            choose(of("3", 3, line), seen=seen(of("5", 5, line)))
    with pytest.raises(RollbackError):
        choose(of("3", 3, A), seen=seen(of("5", 5, A)), line=A)


def test_a_new_line_begins_anew_whatever_was_seen_of_the_old_one() -> None:
    assert taken(of("x", 1, B, (A,)), seen=seen(of("5", (1 << 63) - 1, A))) == "x"


def test_what_was_seen_without_a_line_guards_the_first_line() -> None:
    with pytest.raises(RollbackError):
        choose(of("3", 3, A), seen=seen(of("5", 5)))
    assert taken(of("6", 6, A), seen=seen(of("5", 5))) == "6"


def test_what_an_older_dcdist_noted_guards_until_the_user_chooses_a_line() -> None:
    with pytest.raises(RollbackError, match=rf"serial 7 by the record of an older dcdist.*--line {A}"):
        choose(of("3", 3, A), seen=seen(before=7))
    with pytest.raises(RollbackError, match="--line none"):
        choose(of("3", 3), seen=seen(before=7))
    choice = choose(of("3", 3), seen=seen(before=7), line=NO_LINE)
    assert seen(before=7).noted(STORE, choice.taken, left=choice.left, chosen=True).before == 0


def test_a_named_version_may_be_older_but_not_an_older_one_of_its_own_name() -> None:
    there = seen(of("1", 1, A), of("1", 6, A), of("5", 5, A))
    assert admit_named(of("3", 3, A), there, line=None, source=STORE).taken == of("3", 3, A)
    assert admit_named(of("1", 6, A), there, line=None, source=STORE).taken == of("1", 6, A)
    with pytest.raises(RollbackError, match="web@1 has serial 1, but this host has seen web@1 with serial 6"):
        admit_named(of("1", 1, A), there, line=None, source=STORE)
    with pytest.raises(RollbackError):
        admit_named(of("1", 1, A), there, line=A, source=STORE)


@pytest.mark.parametrize("line", [B, None])
def test_a_named_release_of_another_line_needs_a_word(line: LineId | None) -> None:
    named, there = of("3", 3, line), seen(of("1", 1, A))
    with pytest.raises(LineError, match=f"--line {line or 'none'}"):
        admit_named(named, there, line=None, source=STORE)
    with pytest.raises(LineError, match="which --line"):
        admit_named(named, there, line=A, source=STORE)
    assert admit_named(named, there, line=line or NO_LINE, source=STORE).taken == named


def test_a_named_release_of_a_line_that_replaces_the_hosts_moves_it() -> None:
    assert admit_named(of("3", 1, B, (A,)), seen(of("1", 1, A)), line=None, source=STORE).left == {A}


def test_without_a_word_no_version_goes_back_to_one_from_before_there_were_lines() -> None:
    with pytest.raises(RollbackError):
        admit_named(of("1", 2, A), seen(of("1", 5)), line=None, source=STORE)


def test_the_latest_that_lists_show_is_that_of_a_host_that_has_seen_nothing() -> None:
    old, new = of("1", 9, A).release, of("2", 1, B, (A,)).release
    assert latest_for_all([old, new]) is new
    assert latest_for_all([old, new], line=A) is old
    assert latest_for_all([old, of("3", 1, C).release]) is None
    assert latest_for_all([]) is None
    assert latest_for_all([old], line=D) is None


def test_what_was_seen_counts_only_at_its_store_and_for_keys_that_are_trusted_now() -> None:
    other = SignedRelease(of("9", (1 << 63) - 1, A).release, frozenset({"f" * 16}))
    there = (
        seen(of("1", 1, A))
        .noted(STORE, other, left=(), chosen=False)
        .noted("file:///x", of("8", 8, A), left=(), chosen=False)
    )
    assert there.counting(STORE, {KEY}).highest(A) == 1
    assert there.counting(STORE, {KEY, "f" * 16}).highest(A) == (1 << 63) - 1
    assert there.counting("file:///x", {KEY}).entries == (
        SeenLine("file:///x", KEY, A, 8, left=False, versions={"8": 8}),
    )
