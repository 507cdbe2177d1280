"""Hot functions: each is measured, and what is reported is the best batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks import micro

if TYPE_CHECKING:
    import pytest


def test_every_operation_runs_again_and_again() -> None:
    operations = micro.operations()

    assert len({operation.name for operation in operations}) == len(operations) > 10
    for operation in operations:
        operation.run()
        operation.run()


def test_the_best_batch_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    batches = iter([0.03, 0.05, 0.024, 0.09])
    monkeypatch.setattr(micro, "_time", lambda run_once, count: next(batches))

    assert micro.measure(micro.Operation("nothing", lambda: None), 4).seconds == 0.024
