"""What a torrent asks peers for is known without asking libtorrent again and again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcdist.swarm.download_queue import DownloadQueue

if TYPE_CHECKING:
    import libtorrent as lt


class Queue:
    """A queue that grows by a piece whenever it is read: of each piece one block is asked for, of piece 0 none."""

    def __init__(self) -> None:
        self.reads = 0
        self.now = 100.0

    def read(self) -> list[lt.PartialPieceInfodict]:
        self.reads += 1
        return [_piece(number, asked=number > 0) for number in range(self.reads + 1)]


def _piece(number: int, *, asked: bool) -> lt.PartialPieceInfodict:
    blocks = [{"num_peers": 0}, {"num_peers": int(asked)}]
    return {"piece_index": number, "blocks": blocks}  # type: ignore[typeddict-item]


def test_a_piece_of_which_no_peer_is_asked_for_a_block_is_left_out() -> None:
    queue = Queue()
    assert DownloadQueue(queue.read, lambda: queue.now).asked_for() == 0b10


def test_the_queue_is_read_twice_a_second_at_most() -> None:
    queue = Queue()
    looked = DownloadQueue(queue.read, lambda: queue.now)
    seen = []
    for _ in range(41):
        seen.append(looked.asked_for())
        queue.now += 0.03125
    assert (queue.reads, sorted(set(seen))) == (3, [0b10, 0b110, 0b1110])
