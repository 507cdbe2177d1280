"""Whatever peers and heartbeats claim, a host beside a store that answers never stands still, and its fetch ends."""

from __future__ import annotations

import random

from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from dcdist.policy.preference import EGRESS, TIME, Preference
from tests.support.adversary import EVERYTHING, GEOMETRY, Claims, Gives, Offers, World
from tests.support.hostile_steps import HEAD, play

claims = st.builds(
    Claims,
    members=st.sampled_from([0, 3, 38, 400]),
    changing=st.sampled_from([0, 2, 40]),
    bits=st.sampled_from([0, 0, 2, 4]),
    offers=st.sampled_from(Offers),
    gives=st.sampled_from(Gives),
    coming=st.booleans(),
    lacking=st.booleans(),
    needless=st.sampled_from([0.0, 0.5, 1.0]),
)


CROWD = Claims(
    members=400,
    changing=40,
    bits=4,
    offers=Offers.EVERYTHING,
    gives=Gives.RUBBISH,
    coming=True,
    lacking=True,
    needless=1.0,
)
"""Phantoms in the listing, and peers that offer everything and give rubbish."""


@settings(max_examples=60, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@example(0, EGRESS, CROWD, 0.01, 6e6)
@example(0, TIME, CROWD, 0.01, 6e6)
@given(
    seed=st.integers(0, 1 << 32),
    preference=st.sampled_from([TIME, EGRESS]),
    claimed=claims,
    latency=st.sampled_from([0.01, 0.3, 2.0]),
    rate=st.sampled_from([100_000.0, 1e6, 2e7]),
)
def test_whatever_others_claim_a_host_beside_a_store_that_answers_goes_on(
    seed: int, preference: Preference, claimed: Claims, latency: float, rate: float
) -> None:
    # One piece at a time from the store; peers may hold it up for ten times as long as it needs.
    piece = latency + GEOMETRY.piece_length / rate + 0.5
    alone = GEOMETRY.piece_count * piece
    bound = preference.standstill_after + GEOMETRY.pieces_per_stripe * piece + 1.0
    world = World(random.Random(seed), preference, claimed, latency, rate)
    world.run(until=bound + 11 * alone)

    assert world.longest_quiet <= bound
    assert world.have == EVERYTHING


@settings(max_examples=100)
@given(st.binary(min_size=HEAD, max_size=HEAD + 600))
def test_no_step_of_anybody_makes_a_host_stand_still_for_longer_than_its_bound(course: bytes) -> None:
    play(course)
