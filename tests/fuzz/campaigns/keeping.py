"""Which inputs are worth keeping: the smallest ones that together take every step that all of them take."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import dcdist

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import FrameType

    from _typeshed import TraceFunction

    from tests.fuzz.target import Target

_PACKAGE = str(Path(dcdist.__file__).parent)

Step = tuple[str, int, int | str]
"""A function (its file and line), a place in its bytecode, and the place before; or what was raised there."""


def worth_keeping(target: Target, inputs: Iterable[bytes]) -> list[bytes]:
    """Of these inputs, those that take a step that no smaller one of them takes. All must pass."""
    seen: set[Step] = set()
    chosen = []
    for data in sorted(set(inputs), key=lambda each: (len(each), each)):
        steps = _steps(target, data)
        if steps - seen:
            seen |= steps
            chosen.append(data)
    return chosen


def _steps(target: Target, data: bytes) -> set[Step]:
    steps: set[Step] = set()
    last: dict[int, int] = {}

    def trace(frame: FrameType, event: str, detail: object) -> TraceFunction | None:
        code = frame.f_code
        if not code.co_filename.startswith(_PACKAGE):
            return None
        function = f"{code.co_filename}:{code.co_firstlineno}"
        if event == "call":
            frame.f_trace_opcodes = True
            last[id(frame)] = 0
        elif event == "opcode":
            steps.add((function, frame.f_lasti, last.get(id(frame), 0)))
            last[id(frame)] = frame.f_lasti
        elif event == "exception" and isinstance(detail, tuple):
            steps.add((function, frame.f_lasti, detail[0].__name__))
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        target.run(data)
    finally:
        sys.settrace(before)
    return steps
