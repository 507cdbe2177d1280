"""What a soak has seen: counts, and what the processes that stay take over time."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from statistics import median

_WARM = 6
"""Samples at the start that tell nothing: caches and pools fill."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What one process takes: resident bytes, descriptors, threads."""

    memory: int
    descriptors: int
    threads: int


@dataclass(slots=True)
class Tally:
    """Counts by name; samples by process.

    `reasons`: what fetches said that gave up; `wrong`: what should never be; `left_over`: processes after the end.
    """

    done: Counter[str] = field(default_factory=Counter)
    injected: Counter[str] = field(default_factory=Counter)
    troubles: Counter[str] = field(default_factory=Counter)
    bytes: Counter[str] = field(default_factory=Counter)
    reasons: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    left_over: list[str] = field(default_factory=list)
    _samples: dict[str, list[Sample]] = field(default_factory=dict)

    def sampled(self, process: str, sample: Sample) -> None:
        """A process that stays takes this now."""
        self._samples.setdefault(process, []).append(sample)

    def is_clean(self) -> bool:
        """Whether nothing wrong got through and nothing was left over; leaks are for people to judge."""
        return not self.wrong and not self.left_over and self.done["fetches"] > 0

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
                for name in ("memory", "descriptors", "threads")
            }
        return grown

    def report(self) -> dict[str, object]:
        """For programs."""
        return {
            "done": dict(self.done),
            "injected": dict(self.injected),
            "troubles": dict(self.troubles),
            "bytes": dict(self.bytes),
            "reasons": self.reasons,
            "wrong": self.wrong,
            "left_over": self.left_over,
            "growth": self.growth(),
        }

    def show(self) -> str:
        """For people."""
        lines = []
        for title, counts in (
            ("ended", self.done), ("faults injected", self.injected), ("troubles told", self.troubles),
        ):  # fmt: skip
            lines.append(
                f"{title}: " + (", ".join(f"{name} {count}" for name, count in counts.most_common()) or "none")
            )
        lines.append("bytes: " + ", ".join(f"{name} {count / 1e6:.0f} MB" for name, count in self.bytes.most_common()))
        lines += [f"gave up: {reason}" for reason in self.reasons]
        for process, grown in self.growth().items():
            memory, descriptors, threads = (f"{first:.0f} to {last:.0f}" for first, last in grown.values())
            lines.append(f"{process}: memory {memory} bytes, descriptors {descriptors}, threads {threads}")
        lines.append(f"processes left over: {', '.join(self.left_over) or 'none'}")
        lines.append(f"wrong: {'; '.join(self.wrong) or 'nothing'}")
        return "\n".join(lines)
