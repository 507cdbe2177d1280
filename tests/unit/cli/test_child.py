"""The command and the process that works for it."""

from __future__ import annotations

import json
import os

from dcdist.cli.worker.handle import Child


def test_a_child_that_dies_without_a_word_is_reported_as_dead() -> None:
    with Child(lambda: 1) as child:
        assert list(child.records()) == []
        fault = child.wait()

    assert fault is not None
    assert "code 1" in fault.message


def test_the_work_has_what_the_command_has_and_its_records_come_back() -> None:
    asked = {"event": "asked", "rate": 20e6}

    def work() -> int:
        os.write(1, json.dumps(asked).encode() + b"\n")
        return 0

    with Child(work) as child:
        assert list(child.records()) == [asked]
        assert child.wait() is None
