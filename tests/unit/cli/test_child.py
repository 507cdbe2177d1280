"""The command and the process that works for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcdist.cli.worker.handle import Child

if TYPE_CHECKING:
    import pytest


def test_a_child_that_dies_before_it_is_told_what_to_do_is_told_as_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dcdist.cli.worker.process.main", lambda: 1)
    # More than a pipe holds: it cannot have been written when the child ends.
    with Child(bytes(1 << 20) + b"\n") as child:
        assert list(child.records()) == []
        fault = child.wait()

    assert fault is not None
    assert "code 1" in fault.message
