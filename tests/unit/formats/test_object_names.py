from __future__ import annotations

import pytest

from dcdist.errors import UsageError
from dcdist.formats import object_names
from dcdist.model.identity import Digest, LayerName, ReleaseName

LAYER = LayerName("0" * 31 + "1")


def test_each_object_has_its_place() -> None:
    assert object_names.layer_index(LAYER) == "layers/00000000000000000000000000000001/index"
    assert object_names.layer_chunks(LAYER) == "layers/00000000000000000000000000000001/chunks"
    assert object_names.layer_segment(LAYER, 0) == "layers/00000000000000000000000000000001/segments/00000"
    assert object_names.layer_segment(LAYER, 63) == "layers/00000000000000000000000000000001/segments/00063"
    assert object_names.image_extents(Digest(b"\xab" * 32)) == "images/" + "ab" * 32
    assert object_names.release(ReleaseName("web", "3.1")) == "releases/web/3.1"
    assert object_names.releases_prefix(None) == "releases/"
    assert object_names.releases_prefix("web") == "releases/web/"
    assert object_names.publish_journal("f00d") == "publishes/f00d"
    assert object_names.PUBLISHES == "publishes/"
    assert object_names.swarm_prefix("web", "dal10") == "swarm/web/dal10/"


@pytest.mark.parametrize("word", ["", "a/b", "..", ".a", "a,b", "a b", "ä", "a" * 101, "a\n"])
def test_what_is_no_word_makes_no_key(word: str) -> None:
    for make in (
        object_names.releases_prefix,
        object_names.publish_journal,
        lambda text: object_names.swarm_prefix(text, "realm"),
        lambda text: object_names.swarm_prefix("demo", text),
    ):
        with pytest.raises(UsageError):
            make(word)


def test_a_release_is_found_by_its_key() -> None:
    assert object_names.parse_release("releases/web/3.1") == ReleaseName("web", "3.1")


@pytest.mark.parametrize(
    "key",
    ["", "releases", "releases/", "releases/web", "releases/web/", "releases//3", "releases/web/3/4", "web/3",
     "other/web/3", "releases/web/../3", "releases/../3", "/releases/web/3", "releases/web/3 ", "swarm/web/3"],
)  # fmt: skip
def test_another_key_is_no_release(key: str) -> None:
    assert object_names.parse_release(key) is None
