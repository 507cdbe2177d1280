"""Layers' indexes: what is read fits together and can be written again."""

from __future__ import annotations

from array import array

from dcdist.formats import columns, index
from dcdist.model.geometry import LAYER_LIMIT, Geometry
from dcdist.model.release import LayerEntry
from tests.fuzz.objects import MADE, Form, digest, written_again
from tests.fuzz.recipes import Recipe
from tests.fuzz.target import REFUSALS, Target, require
from tests.support.format_objects import LAYER, Plain, make_index

_FORM = Form(index.encode(make_index()))


def run(data: bytes) -> None:
    """MADE: a frame table that fits, of lengths from the input, and changes to it."""
    length = 1524
    if data and data[0] % 4 == MADE:
        recipe = Recipe(data[1:])
        length, body = _table(recipe)
        made = _FORM.changed(recipe, body)
    else:
        made = _FORM.object_of(data)
    try:
        read = index.decode(made, LayerEntry(LAYER, length, digest(made)))
    except REFUSALS as error:
        require(len(str(error)) < 2000, "a message is short")
        return
    frames = read.frames
    require(frames[0].start == 0 and frames.starts[-1] == length, "the frames are the layer")
    require(all(frames[number].plain_length > 0 for number in range(len(frames))), "no frame is empty")
    require(len(read.piece_hashes) == 20 * read.geometry.piece_count, "each piece has a hash")
    if written_again(data):
        again = index.encode(read)
        entry = LayerEntry(LAYER, length, digest(again))
        require(index.decode(again, entry) == read, "what can be read can be written")


def _table(recipe: Recipe) -> tuple[int, dict[str, Plain]]:
    rows = [(recipe.number(4) % (5 << 20), recipe.number(4) % (5 << 20)) for _ in range(recipe.number() % 9)]
    lengths, plain = array("I", [row[0] for row in rows]), array("I", [row[1] for row in rows])
    length = min(max(sum(lengths), 1), LAYER_LIMIT)
    geometry = Geometry.for_length(length)
    return length, {
        "layer": LAYER, "length": length, "piece_length": geometry.piece_length,
        "stripe_length": geometry.stripe_length, "segment_length": geometry.segment_length,
        "pieces": bytes(20 * geometry.piece_count), "lengths": columns.write(lengths),
        "plain_lengths": columns.write(plain), "digests": bytes(32 * len(rows)), "chunks": bytes(32),
    }  # fmt: skip


def seeds() -> list[bytes]:
    """The valid one in each form, tables, and changes of each sort."""
    tables = [bytes([MADE, count]) + bytes(range(1, 1 + 8 * count)) for count in range(9)]
    tables += [bytes([192 + MADE]) + each[1:] for each in tables]
    return [*_FORM.seeds(), *tables, *(each + bytes([3, 1, 3, 5, 7]) for each in tables)]


TARGET = Target("index", run, [index.decode, index.decode_unpromised, columns.read], seeds)
