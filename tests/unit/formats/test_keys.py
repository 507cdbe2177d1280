from __future__ import annotations

import pytest

from dcdist.errors import UsageError
from dcdist.formats import keys
from dcdist.model.identity import Digest, LayerName, ReleaseName

LAYER = LayerName("0" * 31 + "1")


def test_each_object_has_its_place() -> None:
    assert keys.layer_index(LAYER) == "layers/00000000000000000000000000000001/index"
    assert keys.layer_chunks(LAYER) == "layers/00000000000000000000000000000001/chunks"
    assert keys.layer_segment(LAYER, 0) == "layers/00000000000000000000000000000001/segments/00000"
    assert keys.layer_segment(LAYER, 63) == "layers/00000000000000000000000000000001/segments/00063"
    assert keys.image_extents(Digest(b"\xab" * 32)) == "images/" + "ab" * 32
    assert keys.release(ReleaseName("web", "3.1")) == "releases/web/3.1"
    assert keys.releases_prefix(None) == "releases/"
    assert keys.releases_prefix("web") == "releases/web/"
    assert keys.publish_journal("f00d") == "publishes/f00d"
    assert keys.PUBLISHES == "publishes/"
    assert keys.swarm_prefix("web", "dal10") == "swarm/web/dal10/"


@pytest.mark.parametrize("word", ["", "a/b", "..", ".a", "a,b", "a b", "ä", "a" * 101, "a\n"])
def test_what_is_no_word_makes_no_key(word: str) -> None:
    for make in (
        keys.releases_prefix,
        keys.publish_journal,
        lambda text: keys.swarm_prefix(text, "realm"),
        lambda text: keys.swarm_prefix("demo", text),
    ):
        with pytest.raises(UsageError):
            make(word)


def test_a_release_is_found_by_its_key() -> None:
    assert keys.parse_release_key("releases/web/3.1") == ReleaseName("web", "3.1")


@pytest.mark.parametrize(
    "key",
    ["", "releases", "releases/", "releases/web", "releases/web/", "releases//3", "releases/web/3/4", "web/3",
     "other/web/3", "releases/web/../3", "releases/../3", "/releases/web/3", "releases/web/3 ", "swarm/web/3"],
)  # fmt: skip
def test_another_key_is_no_release(key: str) -> None:
    assert keys.parse_release_key(key) is None
