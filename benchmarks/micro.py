"""Hot pure functions: what a planner step, an index, a bit set and the codecs cost.

Each operation is repeated in batches of at least 20 ms, with the garbage collector off; the best batch counts, since
whatever disturbs a batch makes it slower and never quicker.
"""

from __future__ import annotations

import argparse
import gc
import hashlib
import json
import random
import time
from array import array
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import machine
from dcdist.formats import columns, extents, heartbeat, index
from dcdist.formats.frames import Packer, Unpacker
from dcdist.model import pieces
from dcdist.model.extent import Extents
from dcdist.model.geometry import Geometry
from dcdist.model.identity import Digest, HostId, LayerName
from dcdist.model.layer import Frame, FrameTable, Index
from dcdist.model.member import Member, Role
from dcdist.model.release import Image, LayerEntry
from dcdist.policy.planner import Planner
from dcdist.policy.planner_events import DrawFinished, LayerOpened, MembersChanged, PeersSeen, PiecesFinished
from dcdist.policy.planner_options import PlannerOptions
from dcdist.policy.preference import EGRESS
from dcdist.policy.state.ownership import Ownership

if TYPE_CHECKING:
    from collections.abc import Callable

SUMMARY = "hot pure functions: planner, index, bit sets, codecs"
_BATCH_SECONDS = 0.02
_LAYER = LayerName("0123456789abcdef" * 2)
_GIBIBYTE = 1 << 30


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds for one operation, at best; `size`: bytes that it works on, if that is what it is measured by."""

    name: str
    seconds: float
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """Something to measure."""

    name: str
    run: Callable[[], object]
    size: int | None = None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this benchmark."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--batches", type=int, default=20, help="of each operation (default: %(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything there too")


def run(options: argparse.Namespace) -> int:
    """Measure all, print the table."""
    costs = [measure(operation, options.batches) for operation in operations()]
    print(f"{'operation':52} {'us':>10} {'a second':>12} {'MB/s':>8}")
    for cost in costs:
        speed = f"{cost.size / cost.seconds / 1e6:.0f}" if cost.size else ""
        print(f"{cost.name:52} {cost.seconds * 1e6:10.1f} {1 / cost.seconds:12.0f} {speed:>8}")
    if options.json:
        content = {"benchmark": "micro", "machine": machine.facts(Path()), "costs": [asdict(cost) for cost in costs]}
        options.json.write_text(json.dumps(content, indent=2) + "\n")
    return 0


def measure(operation: Operation, batches: int) -> Cost:
    """The best of some batches."""
    count, seconds = 1, 0.0
    gc.collect()
    gc.disable()
    try:
        while (seconds := _time(operation.run, count)) < _BATCH_SECONDS:
            count = max(2 * count, int(count * _BATCH_SECONDS / max(seconds, 1e-7)))
        best = min([seconds, *(_time(operation.run, count) for _ in range(batches - 1))])
    finally:
        gc.enable()
    return Cost(operation.name, best / count, operation.size)


def operations() -> list[Operation]:
    """All that is measured."""
    return [*_planning(8), *_planning(64), *_bit_sets(), *_formats(), *_frames()]


def _planning(members: int) -> list[Operation]:
    geometry = Geometry.for_length(4 * _GIBIBYTE)
    planner = Planner(PlannerOptions(host=_host(0), version="1", layers=(_LAYER,), preference=EGRESS))
    planner.receive(LayerOpened(0, geometry, 0), now=0.0)
    planner.receive(MembersChanged(tuple(_member(number) for number in range(1, members)), ()), now=0.0)
    clock = iter(range(1, 1 << 62))
    seen = [pieces.of(random.Random(number).sample(range(geometry.piece_count), 2000)) for number in range(8)]

    def step() -> None:
        now = next(clock) * 1e-6
        for command in planner.commands(now=now):
            planner.receive(DrawFinished(command.number), now=now)  # type: ignore[union-attr]

    def look() -> None:
        number = next(clock)
        planner.receive(PeersSeen(0, seen[number % len(seen)]), now=number * 1e-6)

    def finish() -> None:
        planner.receive(PiecesFinished(0, 1 << next(clock) % geometry.piece_count), now=1e6)

    def deal() -> None:
        ownership = Ownership(_LAYER, geometry.stripe_count, _host(0))
        for number in range(1, members):
            ownership.join(_host(number))
        ownership.owner(0)

    what = f"{members} members, {geometry.piece_count} pieces"
    return [
        Operation(f"planner: a step ({what})", step),
        Operation(f"planner: what peers hold ({what})", look),
        Operation(f"planner: a finished piece ({what})", finish),
        Operation(f"ownership: deal {geometry.stripe_count} stripes to {members} members", deal),
    ]


def _bit_sets() -> list[Operation]:
    count = 16_384
    half = pieces.of(random.Random(1).sample(range(count), count // 2))
    packed = pieces.to_bytes(half, count)
    return [
        Operation(f"bit set: union and difference of {count}", lambda: (half | half >> 1) & ~(half >> 2)),
        Operation(f"bit set: each of {count // 2} in {count}", lambda: sum(1 for _ in pieces.each(half))),
        Operation(f"bit set: from {len(packed)} bytes", lambda: pieces.from_bytes(packed)),
    ]


def _formats() -> list[Operation]:
    made = _index(4096)
    encoded = index.encode(made)
    entry = LayerEntry(made.layer, made.geometry.length, _digest(encoded))
    image = _extents(16_384)
    listed = extents.encode(image)
    described = Image("web.xva", image.size, Digest(bytes(32)), _digest(listed))
    name = heartbeat.name(_member(1))
    return [
        Operation("index: encode 4096 frames", lambda: index.encode(made)),
        Operation("index: decode 4096 frames", lambda: index.decode(encoded, entry)),
        Operation("extents: encode 16384", lambda: extents.encode(image)),
        Operation("extents: decode 16384", lambda: extents.decode(listed, described)),
        Operation("heartbeat: parse", lambda: heartbeat.parse(name)),
    ]


def _frames() -> list[Operation]:
    words = [b"%d " % number for number in range(5000)]
    plain = b"".join(random.Random(2).choices(words, k=250_000))[: 1 << 20]
    packer, unpacker = Packer(9), Unpacker()
    packed = packer.pack(plain)
    frame = Frame(0, 0, len(packed), 0, len(plain), _digest(packed))
    return [
        Operation("frame: pack 1 MiB at level 9", lambda: packer.pack(plain), len(plain)),
        Operation("frame: check and unpack 1 MiB", lambda: unpacker.unpack(frame, packed), len(plain)),
    ]


def _index(frames: int) -> Index:
    lengths = [500_000 + number for number in range(frames)]
    geometry = Geometry.for_length(sum(lengths))
    hashes = random.Random(3).randbytes(20 * geometry.piece_count)
    table = FrameTable(
        columns.starts(lengths), columns.starts([1 << 20] * frames), random.Random(4).randbytes(32 * frames)
    )
    return Index(_LAYER, geometry, hashes, table, Digest(bytes(32)))


def _extents(count: int) -> Extents:
    lengths = array("Q", [65_536 if number % 2 else 1024 for number in range(count)])
    starts = array("Q", [number * 100_000 for number in range(count)])
    return Extents(sum(lengths), (_LAYER,), array("H", [1] * count), starts, lengths)


def _time(run_once: Callable[[], object], count: int) -> float:
    begun = time.perf_counter()
    for _ in range(count):
        run_once()
    return time.perf_counter() - begun


def _host(number: int) -> HostId:
    return HostId(f"{random.Random(number).getrandbits(128):032x}")


def _member(number: int) -> Member:
    return Member(_host(number), 0, Role.DRAWER, "192.0.2.1", 6881, "1", 1)


def _digest(data: bytes) -> Digest:
    return Digest(hashlib.sha256(data).digest())
