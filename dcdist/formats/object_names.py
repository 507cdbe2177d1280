"""The name of each object in a store: the only place that knows the layout.

An object's name is the `key` by which the `Store` port reads and writes it: relative to the store's prefix, without a
`/` at its beginning.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcdist.errors import UsageError
from dcdist.model.geometry import LAYER_LIMIT, SEGMENT_LENGTH
from dcdist.model.identity import ReleaseName, require_word

if TYPE_CHECKING:
    from dcdist.model.identity import Digest, LayerName

PUBLISHES = "publishes/"
"""The prefix of all publish journals."""

SWARM = "swarm/"
"""The prefix of all heartbeats, of each demo and realm."""

_RELEASES = "releases/"


def layer_index(name: LayerName) -> str:
    """A layer's index."""
    return f"layers/{name}/index"


def layer_chunks(name: LayerName) -> str:
    """A layer's chunk list, which only publishers read."""
    return f"layers/{name}/chunks"


def layer_segment(name: LayerName, number: int) -> str:
    """A segment of a layer; `number` counts from 0."""
    return f"layers/{name}/segments/{number:05d}"


def layer_prefix(name: LayerName) -> str:
    """The prefix of all objects of a layer."""
    return f"layers/{name}/"


def layer_objects(name: LayerName) -> frozenset[str]:
    """All names that an object of a layer can have; whatever else lies under its prefix is not of it."""
    segments = (layer_segment(name, number) for number in range(LAYER_LIMIT // SEGMENT_LENGTH))
    return frozenset((layer_index(name), layer_chunks(name), *segments))


def image_extents(digest: Digest) -> str:
    """An image's extents; `digest` is the SHA-256 of that object."""
    return f"images/{digest.hex()}"


def release(name: ReleaseName) -> str:
    """A release's manifest."""
    return f"{_RELEASES}{name.demo}/{name.version}"


def releases_prefix(demo: str | None) -> str:
    """The prefix of the manifests of one demo, or of all.

    Raises:
        UsageError: `demo` is not a valid name of a demo.
    """
    return _RELEASES if demo is None else f"{_RELEASES}{require_word(demo, what='demo')}/"


def parse_release(name: str) -> ReleaseName | None:
    """The release whose manifest has this name; None if it is not the name of a manifest."""
    parts = name.removeprefix(_RELEASES).split("/")
    if not name.startswith(_RELEASES) or len(parts) != 2:
        return None
    try:
        return ReleaseName(*parts)
    except UsageError:
        return None


def publish_journal(publish: str) -> str:
    """The journal of one publish.

    Raises:
        UsageError: `publish` is not a valid ID.
    """
    return PUBLISHES + require_word(publish, what="publish")


def swarm_prefix(demo: str, realm: str) -> str:
    """The prefix of the heartbeats of one swarm; a heartbeat's name follows it.

    Raises:
        UsageError: `demo` or `realm` is not a valid name.
    """
    return f"{SWARM}{require_word(demo, what='demo')}/{require_word(realm, what='realm')}/"


def parse_heartbeat(name: str) -> tuple[str, str, str] | None:
    """Demo, realm and the heartbeat's own name; None if no heartbeat can have this name."""
    parts = name.removeprefix(SWARM).split("/")
    if not name.startswith(SWARM) or len(parts) != 3 or not parts[2]:
        return None
    demo, realm, own = parts
    try:
        swarm_prefix(demo, realm)
    except UsageError:
        return None
    return demo, realm, own


def swarm_probe(number: str) -> str:
    """An object that tries whether heartbeats could be written, and is deleted at once.

    No listing of a swarm shows it, as it is not in the folder of a demo.

    Raises:
        UsageError: `number` is not of letters and digits.
    """
    return f"{SWARM}probe-{require_word(number, what='probe')}"
