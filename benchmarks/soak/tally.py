"""What a soak has seen: counts, and what the processes that stay take over time."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.soak.attribution import TOLD, UNEXPLAINED, attribute

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmarks.soak.attribution import Injected, Run

_WARM = 6
"""Samples at the start that tell nothing: caches and pools fill."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What one process takes: resident bytes, descriptors, threads, tasks of its event loop."""

    memory: int
    descriptors: int
    threads: int
    tasks: int


@dataclass(slots=True)
class Tally:
    """Counts by name; samples by process.

    `corrupted`: the fates of wrong bytes, by where they were put. `reasons`: what fetches said that gave up; `wrong`:
    what should never be; `left_over`: processes after the end.
    """

    done: Counter[str] = field(default_factory=Counter)
    injected: Counter[str] = field(default_factory=Counter)
    troubles: Counter[str] = field(default_factory=Counter)
    bytes: Counter[str] = field(default_factory=Counter)
    corrupted: dict[str, Counter[str]] = field(default_factory=dict)
    runs: list[Run] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    left_over: list[str] = field(default_factory=list)
    _samples: dict[str, list[Sample]] = field(default_factory=dict)

    def sampled(self, process: str, sample: Sample) -> None:
        """A process that stays takes this now."""
        self._samples.setdefault(process, []).append(sample)

    @property
    def retries(self) -> int:
        """Requests that failed or were left, each of which was made again."""
        return self.troubles["store"]

    def settle_store(self, injected: Iterable[Injected], *, store: str) -> None:
        """Hold what hosts told of the store's bytes against those that it changed."""
        found = attribute(injected, self.runs, store=store)
        self.corrupted["store"] = found.fates
        self.wrong += [f"{word.source} was blamed, and gave nothing wrong" for word in found.unfounded]

    def settle_caches(self, fates: Iterable[Counter[str]]) -> None:
        """Take what became of the damages to caches."""
        self.corrupted["caches"] = sum(fates, Counter())

    def settle_peers(self, *, store: str) -> None:
        """Take what hosts told of wrong bytes from peers: those that give of a cache that was damaged meanwhile."""
        words = [word for run in self.runs for word in run.words if not word.source.startswith((store, "/"))]
        self.corrupted["peers"] = Counter(TOLD if word.source else "told, of a peer that left" for word in words)

    def is_clean(self) -> bool:
        """Whether nothing wrong got through, untold or was left over; leaks are for people to judge."""
        told = not any(fates[UNEXPLAINED] for fates in self.corrupted.values())
        return told and not self.wrong and not self.left_over and self.done["fetches"] > 0

    def line(self, seconds_left: float) -> str:
        """How it goes."""
        return (
            f"{self.done['fetches']} fetches, {self.injected.total()} faults, {len(self.wrong)} wrong, "
            f"{seconds_left / 60:.1f} min left"
        )

    def growth(self) -> dict[str, dict[str, tuple[float, float]]]:
        """Of each process that stays: medians of its first and last quarter, after it was warm."""
        grown = {}
        for process, samples in self._samples.items():
            warm = samples[_WARM:] or samples
            quarter = max(1, len(warm) // 4)
            ends = warm[:quarter], warm[-quarter:]
            grown[process] = {
                name: (median(getattr(each, name) for each in ends[0]), median(getattr(each, name) for each in ends[1]))
                for name in ("memory", "descriptors", "threads", "tasks")
            }
        return grown

    def report(self) -> dict[str, object]:
        """For programs."""
        return {
            "done": dict(self.done),
            "injected": dict(self.injected),
            "troubles": dict(self.troubles),
            "retries": self.retries,
            "corrupted": {place: dict(fates) for place, fates in self.corrupted.items()},
            "bytes": dict(self.bytes),
            "reasons": self.reasons,
            "wrong": self.wrong,
            "left_over": self.left_over,
            "growth": self.growth(),
        }

    def show(self) -> str:
        """For people."""
        lines = [
            _line("ended", self.done), _line("faults injected", self.injected), _line("troubles told", self.troubles),
            f"retries: {self.retries}",
            *(_line(f"wrong bytes of {place}: {fates.total()}", fates) for place, fates in self.corrupted.items()),
        ]  # fmt: skip
        lines.append("bytes: " + ", ".join(f"{name} {count / 1e6:.0f} MB" for name, count in self.bytes.most_common()))
        lines += [f"gave up: {reason}" for reason in self.reasons]
        for process, grown in self.growth().items():
            lines.append(
                f"{process}: " + ", ".join(f"{name} {first:.0f} to {last:.0f}" for name, (first, last) in grown.items())
            )
        lines.append(f"processes left over: {', '.join(self.left_over) or 'none'}")
        lines.append(f"wrong: {'; '.join(self.wrong) or 'nothing'}")
        return "\n".join(lines)


def _line(title: str, counts: Counter[str]) -> str:
    return f"{title}: " + (", ".join(f"{name} {count}" for name, count in counts.most_common()) or "none")
