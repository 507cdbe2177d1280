"""A trace says all that a planner was told, and reads back."""

from __future__ import annotations

import json

import pytest

from dcdist.errors import FormatError, NewerFormatError
from dcdist.model.geometry import MIB, Geometry
from dcdist.model.identity import HostId, LayerName
from dcdist.model.member import Member, Role
from dcdist.policy.planner_commands import Draw
from dcdist.policy.planner_events import (
    BytesDrawn,
    CopyBegan,
    CopyEnded,
    DrawFailed,
    Failure,
    LayerOpened,
    MembersChanged,
    PeersGave,
    PeersLack,
    PeersSeen,
    PieceFoundCorrupt,
    PiecesFinished,
    PrefixChanged,
)
from dcdist.policy.planner_options import PlannerOptions
from dcdist.policy.trace import VERSION, RecordedPlanner, replay

GEOMETRY = Geometry.for_length(300 * MIB)
OTHER = Member(HostId("f" * 32), 3, Role.DRAWER, "2001:db8::1", 4000, "1", 1)
OPTIONS = PlannerOptions(host=HostId("0" * 32), version="1", layers=(LayerName("a" * 32),))
ALL_BUT_ONE = (1 << GEOMETRY.piece_count) - 2


def recorded() -> list[str]:
    """The trace of a planner that was told everything a planner can be told."""
    lines: list[str] = []
    planner = RecordedPlanner(OPTIONS, lines.append)
    planner.receive(LayerOpened(0, GEOMETRY, 0), now=0.0)
    planner.receive(PrefixChanged(0), now=0.1)
    planner.receive(MembersChanged((OTHER,), ()), now=0.1)
    drawn = [command for command in planner.commands(now=0.2) if isinstance(command, Draw)]
    assert drawn
    planner.receive(BytesDrawn(drawn[0].number, 1000), now=0.3)
    planner.receive(DrawFailed(drawn[0].number, Failure.THROTTLED, "later", 0.5), now=0.4)
    planner.receive(CopyBegan(0, 6), now=0.5)
    planner.receive(CopyEnded(0, 2), now=0.5)
    planner.receive(PiecesFinished(0, 8), now=0.6)
    planner.receive(PieceFoundCorrupt(0, 3, from_store=True), now=0.7)
    planner.receive(PeersSeen(0, ALL_BUT_ONE), now=0.8)
    planner.receive(PeersGave(5000), now=0.9)
    planner.receive(PeersLack((7000, 0)), now=0.9)
    planner.commands(now=1.5)
    planner.receive(MembersChanged((), (OTHER.host,)), now=1.6)
    planner.commands(now=9.0)
    return lines


def test_a_replayed_trace_gives_the_commands_that_were_recorded() -> None:
    steps = list(replay(recorded()))
    assert [step.at for step in steps] == [0.2, 1.5, 9.0]
    assert all(step.same for step in steps)
    assert steps[0].given
    assert steps[2].given


def test_a_planner_that_decides_otherwise_is_seen() -> None:
    lines = recorded()
    last = json.loads(lines[-1])
    last["commands"] = []
    assert not list(replay([*lines[:-1], json.dumps(last)]))[-1].same


def test_large_sets_of_pieces_stay_readable_for_any_json_reader() -> None:
    (line,) = (line for line in recorded() if "PeersSeen" in line)
    assert json.loads(line)["event"]["pieces"] == {"hex": f"{ALL_BUT_ONE:x}"}


def test_a_trace_of_a_newer_version_is_refused_as_such() -> None:
    first = json.loads(recorded()[0])
    first["trace"] = VERSION + 1
    with pytest.raises(NewerFormatError) as raised:
        list(replay([json.dumps(first)]))
    assert raised.value.needed == VERSION + 1


def test_a_trace_of_an_older_version_is_named_as_such() -> None:
    first = json.loads(recorded()[0])
    first["trace"] = 1
    with pytest.raises(FormatError, match="version 1"):
        list(replay([json.dumps(first)]))


@pytest.mark.parametrize("line", ["", "[]", "{}", '{"at":1,"event":{"is":"Nonsense"}}', '{"at":1,"event":{"of":"x"}}'])
def test_a_line_that_is_none_is_named(line: str) -> None:
    lines = recorded()
    with pytest.raises(FormatError, match="line 2 "):
        list(replay([lines[0], line, *lines[1:]]))


def test_a_trace_without_its_first_line_is_refused() -> None:
    with pytest.raises(FormatError, match="does not begin"):
        list(replay(recorded()[1:]))
