"""What a host notes of the releases that it saw."""

from __future__ import annotations

import pytest

from dcdist.model.identity import LineId, ReleaseName
from dcdist.model.release import Release, SignedRelease
from dcdist.model.seen import LINES_LIMIT, VERSIONS_LIMIT, SeenDemo, store_identity

KEY, OTHER = "0" * 16, "1" * 16
A, B = LineId("a" * 32), LineId("b" * 32)


def signed(version: str, serial: int, line: LineId | None, *keys: str) -> SignedRelease:
    release = Release(ReleaseName("web", version), serial, (), (), (), line)
    return SignedRelease(release, frozenset(keys or {KEY}))


def test_serials_of_a_line_and_of_a_version_never_fall() -> None:
    demo = SeenDemo()
    for each in (signed("1", 5, A), signed("2", 7, A), signed("1", 3, A)):
        demo = demo.noted("s", each, left=(), chosen=False)

    assert (demo.highest(A), demo.highest_of("1", A), demo.highest_of("2", A)) == (7, 5, 7)
    assert (demo.highest(B), demo.highest_of("3", A)) == (0, 0)


def test_each_key_that_signed_has_an_entry_of_its_own() -> None:
    demo = SeenDemo().noted("s", signed("1", 5, A, KEY, OTHER), left=(), chosen=False)
    assert [(each.signer, each.serial) for each in demo.entries] == [(KEY, 5), (OTHER, 5)]


def test_a_line_that_was_left_by_the_word_of_a_key_counts_as_long_as_that_key_is_trusted() -> None:
    demo = SeenDemo().noted("s", signed("1", 5, A), left=(), chosen=False)
    demo = demo.noted("s", signed("2", 1, B, OTHER), left={A}, chosen=False)

    assert demo.counting("s", {KEY, OTHER}).pin == B
    assert demo.counting("s", {KEY}).pin == A


def test_what_is_kept_is_bounded_and_the_latest_stays() -> None:
    demo = SeenDemo()
    for number in range(2 * LINES_LIMIT):
        demo = demo.noted("s", signed("1", 1, LineId(f"{number:032x}")), left=(), chosen=False)
    for number in range(2 * VERSIONS_LIMIT):
        demo = demo.noted("s", signed(str(number), number, A), left=(), chosen=False)

    assert (len(demo.entries), demo.pin) == (LINES_LIMIT, A)
    assert list(demo.entries[-1].versions) == [str(each) for each in range(VERSIONS_LIMIT, 2 * VERSIONS_LIMIT)]


def test_many_lines_of_one_key_push_out_none_of_another() -> None:
    demo = SeenDemo().noted("s", signed("1", 5, A), left=(), chosen=False)
    many = {LineId(f"{number:032x}") for number in range(2 * LINES_LIMIT)}
    demo = demo.noted("s", signed("2", 1, B, OTHER), left=many, chosen=False)

    assert (len(demo.entries), demo.pin) == (LINES_LIMIT, B)
    assert (demo.counting("s", {KEY}).pin, demo.counting("s", {KEY}).highest(A)) == (A, 5)


@pytest.mark.parametrize(
    "shown", ["https://example.com/demos", "HTTPS://Example.com/demos/", "https://example.com//demos//"]
)
def test_a_store_is_the_same_however_its_url_is_written(shown: str) -> None:
    assert store_identity(shown) == "https://example.com/demos"


def test_paths_and_prefixes_tell_stores_apart() -> None:
    urls = ["file:///srv/a", "file:///srv/A", "swift://demos", "swift://demos/a", "swift://demos/A"]
    assert [store_identity(each) for each in urls] == urls
