"""The soak holds what was injected against what was told."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING

from benchmarks.soak import attribution, damage
from benchmarks.soak.attribution import Injected, Run, Word, attribute, read_log
from benchmarks.soak.damage import Damages

if TYPE_CHECKING:
    from pathlib import Path

STORE = "swift://soak/demos"
SEGMENT = f"{STORE}/layers/0a/segments/00000"
INDEX = f"{STORE}/layers/0a/index"


def injected(at: float, *, host: str = "h0", source: str = SEGMENT, offset: int = 5) -> Injected:
    return Injected(host, source, offset, at)


def run(*words: Word, done: bool = True, failed: tuple[tuple[str, float], ...] = ()) -> Run:
    return Run("h0", 10.0, 20.0, done, words, failed)


def fates(each: Injected, *runs: Run) -> dict[str, int]:
    return dict(attribute([each], runs, store=STORE).fates)


def test_a_byte_that_was_told_with_its_source_is_attributed() -> None:
    assert fates(injected(12.0), run(Word(SEGMENT, 13.0, range(10)))) == {attribution.TOLD: 1}
    assert fates(injected(12.0, source=INDEX), run(Word(INDEX, 13.0))) == {attribution.TOLD: 1}


def test_a_word_about_other_bytes_or_earlier_is_none_about_this_one() -> None:
    for word in (Word(SEGMENT, 13.0, range(6, 10)), Word(SEGMENT, 11.0, range(10)), Word(INDEX, 13.0)):
        found = attribute([injected(12.0)], [run(word)], store=STORE)
        assert (found.fates, found.unfounded) == ({attribution.NEEDLESS: 1}, [word])


def test_each_word_counts_once() -> None:
    found = attribute([injected(12.0), injected(12.1)], [run(Word(SEGMENT, 13.0, range(10)))], store=STORE)
    assert found.fates == {attribution.TOLD: 1, attribution.NEEDLESS: 1}


def test_bytes_that_nobody_looked_at_have_a_reason_or_none() -> None:
    assert fates(injected(12.0), run(failed=((SEGMENT, 14.0),))) == {attribution.LEFT: 1}
    assert fates(injected(12.0), run(done=False)) == {attribution.ENDED: 1}
    assert fates(injected(12.0, host="h1"), run()) == {attribution.UNEXPLAINED: 1}
    assert fates(injected(30.0), run()) == {attribution.UNEXPLAINED: 1}


def test_words_about_peers_are_not_about_the_store() -> None:
    found = attribute([], [run(Word("127.0.0.1:1234", 13.0), Word("", 13.0))], store=STORE)
    assert found.unfounded == []


def test_a_log_gives_words_and_failed_requests_and_counts() -> None:
    told = {"event": "troubled", "time": "1970-01-01T00:00:13.000+00:00", "source": SEGMENT}
    lines = [
        json.dumps({**told, "kind": "corrupt", "message": f"{SEGMENT}: bytes 3 to 9 (piece 0) are wrong; thrown away"}),
        json.dumps({**told, "kind": "store", "message": "it was dropped and will be retried"}),
        json.dumps({"event": "progress"}),
        '{"event": "trou',
    ]
    found, troubles = read_log("h0", 10.0, 20.0, lines, done=True)

    assert found.words == (Word(SEGMENT, 13.001, range(3, 10)),)
    assert found.failed == ((SEGMENT, 13.001),)
    assert troubles == {"corrupt": 1, "store": 1}


def cache_with(folder: Path, had: int) -> Path:
    """One layer of four pieces in a cache, of which the journal says that some are had."""
    layer = folder / "layers" / "0a"
    layer.mkdir(parents=True)
    (layer / "data").write_bytes(bytes(4 * 262_144))
    (layer / "resume").write_bytes(bytes([had]))
    return layer / "data"


def test_a_damage_that_a_fetch_tells_is_attributed_and_one_that_it_must_have_met_is_not_explained(
    tmp_path: Path,
) -> None:
    damages = Damages()
    data = cache_with(tmp_path, 0b1111)
    assert damages.inflict(tmp_path, random.Random(1))
    damages.fetched({str(data)}, {"0a"})
    assert damages.inflict(tmp_path, random.Random(2))
    damages.fetched((), None)
    damages.fetched((), {"0b"})
    damages.fetched((), {"0a"})

    assert damages.fates == {damage.TOLD: 1, attribution.UNEXPLAINED: 1}


def test_a_damage_that_nobody_can_meet_has_its_reason(tmp_path: Path) -> None:
    damages = Damages()
    assert not damages.inflict(tmp_path, random.Random(1))
    data = cache_with(tmp_path, 0b1111)
    damages.inflict(tmp_path, random.Random(1))
    damages.discarded()
    data.with_name("resume").write_bytes(b"\0")
    damages.inflict(tmp_path, random.Random(1))
    data.with_name("resume").write_bytes(b"\x0f")
    damages.inflict(tmp_path, random.Random(1))
    damages.end()

    assert damages.fates == {damage.DISCARDED: 1, damage.UNHAD: 1, damage.UNREAD: 1}
