"""What a fetch tells those who watch it. Bytes are counted from the start; rates are bytes a second."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dcdist.model.identity import LayerName, ReleaseName


@dataclass(frozen=True, slots=True)
class Counted:
    """Where bytes came from.

    `images`: bytes of the images written. `store` and `peers`: payload moved from there. `reused`: bytes of layers that
    were in the cache already. `wasted`: moved twice or found wrong.
    """

    images: int = 0
    store: int = 0
    peers: int = 0
    reused: int = 0
    wasted: int = 0


@dataclass(frozen=True, slots=True)
class ReleaseFound:
    """The manifest is verified. `images` and `image_bytes` are those asked for; `layer_bytes` of those not in place."""

    release: ReleaseName
    images: int
    image_bytes: int
    layer_bytes: int


@dataclass(frozen=True, slots=True)
class MetadataWritten:
    """The metadata files are in place."""

    files: int


@dataclass(frozen=True, slots=True)
class LayerChecked:
    """A layer in the cache is being checked, because the last run did not end cleanly."""

    layer: LayerName
    checked: int
    length: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """Another process is bringing this layer; this one goes on when it is done."""

    layer: LayerName
    reason: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How it goes, about twice a second.

    `layer_bytes` of `layer_total` are here; `seconds_left` is None while nothing can be said.
    """

    bytes: Counted
    layer_bytes: int
    layer_total: int
    image_total: int
    from_store: float
    from_peers: float
    peers: int
    seconds_left: float | None


@dataclass(frozen=True, slots=True)
class ImageFinished:
    """An image is whole, checked and in place."""

    name: str
    size: int


class Trouble(StrEnum):
    """What kind of thing failed."""

    STORE = "store"
    """A request to the store; it is made again, or others give what it was for."""
    CORRUPT = "corrupt"
    """Bytes that are not what was promised; they are thrown away, and come from elsewhere or once more."""
    BANNED = "banned"
    """A peer gave such bytes, and is asked for nothing more of that layer."""
    RENDEZVOUS = "rendezvous"
    """This host could not be announced, or the others not be listed."""
    HOST = "host"
    """Something on this host."""


@dataclass(frozen=True, slots=True)
class Troubled:
    """Something failed and is being worked around; `message` is for people.

    `source` is where it came from: an object (`swift://demos/layers/...`), a peer (`10.0.0.5:6881`), a file; several
    are separated by a comma and a space, when it was one of them. Empty if that says nothing.
    """

    message: str
    kind: Trouble = Trouble.HOST
    source: str = ""


@dataclass(frozen=True, slots=True)
class Fetched:
    """All images are in place. `seconds` since the start; `peers_seen`: other hosts that were ever connected."""

    release: ReleaseName
    seconds: float
    bytes: Counted
    peers_seen: int


@dataclass(frozen=True, slots=True)
class Seeding:
    """The fetch is done; this host goes on giving to others for `seconds` (0: until it is told to end)."""

    seconds: float


FetchEvent = (
    ReleaseFound | MetadataWritten | LayerChecked | Waiting | Progress | ImageFinished | Troubled | Fetched | Seeding
)
