"""What a fetch reports. Bytes are counted from the start; rates are bytes a second."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dcdist.model.destination_notes import FileKept as FileKept
from dcdist.model.destination_notes import FileRemoved as FileRemoved
from dcdist.model.destination_notes import FileReplaced as FileReplaced
from dcdist.model.destination_notes import ImageChecked as ImageChecked
from dcdist.model.trouble import Trouble as Trouble
from dcdist.model.trouble import Troubled as Troubled
from dcdist.policy.fleet.reachability import MemberCounts as MemberCounts  # noqa: TC001  # a part of what users import

if TYPE_CHECKING:
    from dcdist.model.identity import LayerName, ReleaseName


@dataclass(frozen=True, slots=True)
class Counted:
    """Where bytes came from.

    `images`: bytes of the images written. `store` and `peers`: payload moved from there. `reused`: bytes of layers that
    were in the cache already. `wasted`: moved twice, or found wrong. `given`: payload sent to other hosts.
    """

    images: int = 0
    store: int = 0
    peers: int = 0
    reused: int = 0
    wasted: int = 0
    given: int = 0


@dataclass(frozen=True, slots=True)
class ReleaseFound:
    """The manifest is verified.

    `images` and `image_bytes` are those asked for, of `release_images` and `release_image_bytes`. `layer_bytes`: the
    whole layers that hold those of them that are not in place, some of which the cache may have.
    """

    release: ReleaseName
    images: int
    image_bytes: int
    layer_bytes: int
    release_images: int
    release_image_bytes: int


@dataclass(frozen=True, slots=True)
class MetadataWritten:
    """The metadata files are in place. Before this, nothing in the destination has changed."""

    files: int


@dataclass(frozen=True, slots=True)
class LayerChecked:
    """A layer in the cache is being checked, because the last run did not end cleanly."""

    layer: LayerName
    checked: int
    length: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """Another process is bringing this layer, or, if `layer` is empty, writing to the destination.

    This one goes on when that one is done.
    """

    layer: LayerName
    reason: str


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress, about twice a second.

    `layer_bytes` of `layer_total` are here; `seconds_left` is None while it cannot be estimated.
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
    """An image is whole, checked and in place.

    `in_place`: it was there before this fetch; `read`: this fetch read all of it to know that. An image that was not
    read has the size, times and inode that it had when its digest was last known.
    """

    name: str
    size: int
    in_place: bool = False
    read: bool = False


@dataclass(frozen=True, slots=True)
class Fetched:
    """All images are in place. `seconds` since the start; `peers_seen`: other hosts that were ever connected.

    `members`: the hosts listed at the end, and how many of them were linked or unreachable then. `listening`: where
    this host listens, `IP:PORT`; if it does so at several addresses, all of them, separated by a comma and a space.
    `advertised`: where others are told to connect, `IP:PORT`. None: nowhere.
    """

    release: ReleaseName
    seconds: float
    bytes: Counted
    peers_seen: int
    members: MemberCounts
    listening: str | None
    advertised: str | None


@dataclass(frozen=True, slots=True)
class Seeding:
    """The fetch is done; this host goes on giving to others for `seconds`.

    0 means without end, until it is stopped: a fetch that is told to seed for 0 s never says that it seeds.
    """

    seconds: float


@dataclass(frozen=True, slots=True)
class TookOver:
    """`process`, an earlier fetch that still seeded from the same cache, gave way to this one and has ended."""

    process: int


@dataclass(frozen=True, slots=True)
class GaveWay:
    """The seeding ends before its time: `process` seeds from the same cache from now on, or needs the port.

    0 if this one may not read which process that is.
    """

    process: int


FetchEvent = (
    ReleaseFound
    | MetadataWritten
    | LayerChecked
    | ImageChecked
    | Waiting
    | Progress
    | ImageFinished
    | FileReplaced
    | FileRemoved
    | FileKept
    | Troubled
    | Fetched
    | Seeding
    | TookOver
    | GaveWay
)
