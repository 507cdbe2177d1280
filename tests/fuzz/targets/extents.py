"""Images' extents: what is read makes up the image, lies in the layers, and can be written again."""

from __future__ import annotations

from array import array

from dcdist.errors import FormatError
from dcdist.formats import columns, extents
from dcdist.model.extent import ZEROS
from dcdist.model.release import Image
from tests.fuzz.objects import MADE, Form, digest, written_again
from tests.fuzz.recipes import Recipe
from tests.fuzz.target import REFUSALS, Target, require
from tests.support.format_objects import NAUGHT, Plain, make_extents

_FORM = Form(extents.encode(make_extents((1, 0, 100), (0, 0, 50), (2, 7, 34))))
_PLAIN_LENGTHS = (1000, 1 << 40, 1, 1 << 62)


def run(data: bytes) -> None:
    """MADE: rows from the input, whose lengths add up, and changes to them."""
    size = 184
    if data and data[0] % 4 == MADE:
        recipe = Recipe(data[1:])
        size, body = _rows(recipe)
        made = _FORM.changed(recipe, body)
    else:
        made = _FORM.object_of(data)
    try:
        read = extents.decode(made, Image("web.xva", size, NAUGHT, digest(made)))
    except REFUSALS as error:
        require(len(str(error)) < 2000, "a message is short")
        return
    require(sum(each.length for each in read) == size, "the extents are the image")
    require(all(each.length > 0 and 0 <= each.start < 1 << 63 for each in read), "each extent is somewhere")
    require(all(each.source == ZEROS or each.source <= len(read.layers) for each in read), "each layer is listed")
    if written_again(data):
        again = extents.encode(read)
        image = Image("x", size, NAUGHT, digest(again))
        require(extents.decode(again, image) == read, "what can be read can be written")
    limits = [_PLAIN_LENGTHS[number % 4] for number in range(len(read.layers))]
    inside = all(each.source == ZEROS or each.start + each.length <= limits[each.source - 1] for each in read)
    try:
        extents.check_within(read, limits)
    except FormatError:
        require(not inside, "extents that lie in their layers are taken")
    else:
        require(inside, "extents beyond a layer are refused")


def _rows(recipe: Recipe) -> tuple[int, dict[str, Plain]]:
    sources, starts, lengths = array("H"), array("q"), array("Q")
    layers = recipe.number() % 66
    for _ in range(recipe.number() % 12):
        sources.append(recipe.number() % (layers + 2))
        start = recipe.integer()
        starts.append(start if -(1 << 63) <= start < 1 << 63 else 0)
        lengths.append(max(recipe.integer(), 0))
    size = min(sum(lengths), (1 << 64) - 1)
    return size, {
        "size": size, "layers": b"".join(bytes([number]) * 16 for number in range(layers)),
        "sources": columns.write(sources), "starts": columns.write(starts), "lengths": columns.write(lengths),
    }  # fmt: skip


def seeds() -> list[bytes]:
    """The valid one in each form, rows, and changes of each sort."""
    row = bytes([1, 0, 5])
    odd = [bytes([MADE, 2, 2, *row, 1, start, length]) for start in (0, 3, 25, 26, 28) for length in (0, 1, 12, 25, 27)]
    rows = [bytes([MADE, layers, count]) + row * count for layers in (0, 1, 2, 64, 65) for count in (0, 1, 3, 11)]
    rows += [bytes([192 + MADE]) + each[1:] for each in rows]
    return [*_FORM.seeds(), *odd, *rows, *(each + bytes([2, 1, 3, 5, 7]) for each in rows)]


TARGET = Target("extents", run, [extents.decode], seeds)
