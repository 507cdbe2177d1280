"""How long somebody waits for a lock that is held, and what then."""

from __future__ import annotations

from dcdist.disk.lock import Holder, HolderWatch, Verdict

WAIT, REPLACE, GIVE_UP = Verdict.WAIT, Verdict.REPLACE, Verdict.GIVE_UP


def holder(touched: int = 0, *, file: int = 7, ours: bool = True, private: bool = True) -> Holder:
    return Holder("12 web@1", file, touched, ours, private)


def test_a_holder_that_shows_signs_of_life_is_waited_for_however_long_it_takes() -> None:
    watch = HolderWatch()
    assert {watch.judge(holder(now // 200), now) for now in range(0, 100_000, 10)} == {WAIT}


def test_a_private_lock_without_a_sign_of_life_is_given_up_after_300_seconds() -> None:
    watch = HolderWatch()
    assert [watch.judge(holder(), now) for now in (0, 299, 300)] == [WAIT, WAIT, GIVE_UP]
    assert watch.judge(holder(1), 301) is WAIT


def test_a_lock_that_another_user_could_hold_is_replaced_after_30_seconds_without_a_sign_of_life() -> None:
    watch = HolderWatch()
    assert [watch.judge(holder(private=False), now) for now in (0, 29, 30)] == [WAIT, WAIT, REPLACE]


def test_to_swap_two_files_that_others_may_read_is_no_sign_of_life() -> None:
    """Who may write to the folder and holds both of them can do so without touching either."""
    watch = HolderWatch()
    held = [watch.judge(holder(now % 20, file=now % 20, private=False), now) for now in range(0, 31, 10)]
    assert held == [WAIT, WAIT, WAIT, REPLACE]


def test_an_earlier_version_that_touches_its_lock_is_waited_for() -> None:
    watch = HolderWatch()
    assert {watch.judge(holder(now, private=False), now) for now in range(0, 10_000, 10)} == {WAIT}


def test_another_users_own_file_is_replaced_after_300_seconds_however_often_it_touches_it() -> None:
    watch = HolderWatch()
    held = [watch.judge(holder(now, ours=False, private=False), now) for now in range(0, 301, 10)]
    assert held == [WAIT] * 30 + [REPLACE]


def test_who_locks_the_file_anew_each_time_is_not_fought_for_ever() -> None:
    watch = HolderWatch()
    verdicts = [watch.judge(holder(now, ours=False, private=False), now) for now in range(0, 600, 10)]
    assert verdicts[30:34] == [REPLACE, REPLACE, REPLACE, GIVE_UP]


def test_the_process_is_named_if_its_note_says_it() -> None:
    assert holder().process == "process 12"
    assert [Holder(note, 7, 0, ours=True, private=True).process for note in ("", "x y", "\x1b[31m", "-1")] == [""] * 4
