"""The useful and the wasted bytes of a session."""

from __future__ import annotations

from dcdist.swarm.traffic import Traffic


def counters(received: int, *, failed: int = 0, redundant: int = 0) -> dict[str, int]:
    return {
        "net.recv_payload_bytes": received,
        "net.sent_payload_bytes": 7,
        "net.recv_failed_bytes": failed,
        "net.recv_redundant_bytes": redundant,
    }


def test_bytes_of_peers_are_useful_unless_they_are_wrong_or_had_already() -> None:
    traffic = Traffic()
    traffic.count(counters(1000, failed=300, redundant=200), injected_wrong=0)

    assert (traffic.received, traffic.sent, traffic.wasted, traffic.useful) == (1000, 7, 500, 500)


def test_a_peer_that_gives_wrong_bytes_again_and_again_is_useful_no_more_than_once() -> None:
    traffic = Traffic()
    seen = []
    for number in range(4):
        traffic.count(counters(1000 * number + 400, failed=1000 * number), injected_wrong=0)
        traffic.count(counters(1000 * number + 1000, failed=1000 * number), injected_wrong=0)
        traffic.count(counters(1000 * number + 1000, failed=1000 * number + 1000), injected_wrong=0)
        seen.append(traffic.useful)

    assert seen == [1000] * 4


def test_wrong_bytes_of_the_store_are_not_blamed_on_peers() -> None:
    traffic = Traffic()
    traffic.count(counters(1000, failed=300), injected_wrong=300)

    assert (traffic.wasted, traffic.useful) == (0, 1000)
