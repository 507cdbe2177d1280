"""All targets, the most exposed decoders first: what anybody may write, then what a publisher writes, then our own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.fuzz.targets import (
    answers,
    chunks,
    extents,
    frames,
    heartbeat,
    index,
    journal,
    key_files,
    listing,
    manifest,
    names,
    ova,
    planner,
    records,
    tar,
    values,
    wrapping,
    xva,
)

if TYPE_CHECKING:
    from tests.fuzz.target import Target

TARGETS: tuple[Target, ...] = (
    listing.TARGET, heartbeat.TARGET, manifest.TARGET, index.TARGET, extents.TARGET, xva.TARGET, ova.TARGET,
    tar.TARGET, wrapping.TARGET, values.TARGET, journal.TARGET, chunks.TARGET, answers.TARGET, names.TARGET,
    key_files.TARGET, frames.TARGET, records.TARGET, planner.TARGET,
)  # fmt: skip


def target(name: str) -> Target:
    """The target of that name.

    Raises:
        KeyError: There is none.
    """
    return {each.name: each for each in TARGETS}[name]
