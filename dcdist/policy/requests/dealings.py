"""What has this host seen of the store so far? All that its requests told, in one place."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dcdist.policy.link.throughput import Throughput
from dcdist.policy.requests.concurrency import Concurrency
from dcdist.policy.requests.corrupt_pieces import CorruptPieces
from dcdist.policy.requests.crawl import Crawl
from dcdist.policy.requests.patience import Patience
from dcdist.policy.requests.request_size import RequestSize

if TYPE_CHECKING:
    from dcdist.policy.planner_options import PlannerOptions


@dataclass(slots=True)
class Dealings:
    """One host's dealings with one store. `rate`: bytes a second that it gives."""

    patience: Patience
    corrupt: CorruptPieces
    concurrency: Concurrency
    size: RequestSize = field(default_factory=RequestSize)
    crawl: Crawl = field(default_factory=Crawl)
    rate: Throughput = field(default_factory=Throughput)

    def finished(self, length: int, seconds: float, *, now: float) -> None:
        """A request of `length` bytes took `seconds`."""
        self.size.finished(length, seconds)
        self.crawl.finished(length, seconds, now=now)
        self.patience.succeeded()

    @classmethod
    def of(cls, options: PlannerOptions) -> Dealings:
        """Those of a host that begins."""
        return cls(
            Patience(passing=options.passing_patience, lasting=options.lasting_patience),
            CorruptPieces(options.lasting_patience),
            Concurrency(most=options.preference.most_requests),
        )
