"""One prefix stands for others, whose stripes are not as many: what is held of a stripe was drawn by somebody."""

from __future__ import annotations

import pytest

from dcdist.model import pieces
from dcdist.model.geometry import MIB, Geometry
from dcdist.model.identity import LayerName
from dcdist.sim.numbering import Numbering

BITS = 4
LAYERS = (Geometry.for_length(64 * MIB), Geometry.for_length(40 * MIB + 5000))
NAMES = tuple(LayerName(f"{7 * layer + 1:032x}") for layer in range(len(LAYERS)))


@pytest.fixture
def numbering() -> Numbering:
    return Numbering(LAYERS, NAMES, bits=BITS)


def padded(numbering: Numbering, have: int) -> int:
    found = 0
    for piece in pieces.each(have):
        found |= numbering.padded(piece)
    return found


def own(numbering: Numbering) -> int:
    return numbering.canonical(numbering.all)


def test_every_piece_of_the_release_has_a_number(numbering: Numbering) -> None:
    assert sum(numbering.sizes) == sum(layer.length for layer in LAYERS)
    assert dict(numbering.by_layer(numbering.all)) == {
        layer: pieces.span(0, geometry.piece_count) for layer, geometry in enumerate(LAYERS)
    }


def test_a_host_with_everything_has_counterparts_with_everything(numbering: Numbering) -> None:
    everything = padded(numbering, numbering.all)
    assert {numbering.translate(everything, shift) for shift in range(1 << BITS)} == {numbering.all}


def own_stripes(numbering: Numbering) -> list[int]:
    """The sets of pieces of the simulated prefix's stripes."""
    stripes: dict[tuple[int, int], int] = {}
    for number in pieces.each(own(numbering)):
        ((layer, bits),) = numbering.by_layer(1 << number)
        stripe = layer, (bits.bit_length() - 1) // LAYERS[layer].pieces_per_stripe
        stripes[stripe] = stripes.get(stripe, 0) | 1 << number
    return list(stripes.values())


def test_no_counterpart_holds_a_stripe_of_which_nothing_is_held_that_is_its_counterpart(numbering: Numbering) -> None:
    for stripe in own_stripes(numbering):
        others = [piece for piece in pieces.each(numbering.all) if not numbering.canonical(1 << piece) & stripe]
        held = padded(numbering, pieces.of(others))
        for shift in range(1, 1 << BITS):
            assert not numbering.translate(held, shift) & stripe


@pytest.mark.parametrize("seed", range(5))
def test_all_gets_around_from_what_the_prefixes_draw_between_those_that_differ_in_one_digit(seed: int) -> None:
    names = tuple(LayerName(f"{1000 * seed + layer:032x}") for layer in range(len(LAYERS)))
    numbering = Numbering(LAYERS, names, bits=BITS)
    have, before = own(numbering), 0
    while have != before:
        before, shown = have, padded(numbering, have)
        for shift in (1, 2, 3, 4, 8, 12):
            have |= numbering.translate(shown, shift)
    assert have == numbering.all


def test_the_simulated_prefix_has_about_its_part_of_the_bytes(numbering: Numbering) -> None:
    part = sum(numbering.sizes[piece] for piece in pieces.each(own(numbering)))
    assert numbering.own_part == pytest.approx(part / sum(numbering.sizes))
    assert numbering.own_part == pytest.approx(1 / (1 << BITS), rel=0.15)
    assert Numbering(LAYERS).own_part == 1.0
