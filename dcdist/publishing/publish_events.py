"""What a publish tells while it runs, and when it is done. All counts are bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from dcdist.model.trouble import Troubled as Troubled

if TYPE_CHECKING:
    from dcdist.model.identity import LayerName
    from dcdist.model.release import LayerEntry, Release


@dataclass(frozen=True, slots=True)
class NotShared:
    """A release or a layer of the store is not shared with: nobody trusted signed it, or it cannot be read."""

    key: str
    reason: str


@dataclass(frozen=True, slots=True)
class Resumed:
    """An earlier try of this release was killed and left `size` bytes in the store: what recurs is not uploaded."""

    size: int


@dataclass(frozen=True, slots=True)
class ImageStarted:
    """Reading of an image began. `size` is that of its file, wrapped as it may be; None if unknown."""

    name: str
    size: int | None
    xva: bool


@dataclass(frozen=True, slots=True)
class PublishProgress:
    """So far: `read` of `total` bytes of the sources' files (None if unknown), and what the store has received."""

    event: ClassVar[str] = "progress"
    """Its name in JSON."""

    read: int
    total: int | None
    uploaded: int


@dataclass(frozen=True, slots=True)
class ImagePublished:
    """An image was read to its end and is in order: its plain bytes, and what of them is new, reused, or zeros."""

    event: ClassVar[str] = "image_finished"
    """Its name in JSON."""

    name: str
    size: int
    new: int
    reused: int
    zeros: int


@dataclass(frozen=True, slots=True)
class LayerFinished:
    """All bytes of a new layer are in the store."""

    layer: LayerName
    length: int


@dataclass(frozen=True, slots=True)
class LayerMoved:
    """What lives of a layer (`moved` of its `length` bytes) went into new layers, and the layer is not needed."""

    layer: LayerName
    length: int
    moved: int


PublishEvent = (
    Troubled | NotShared | Resumed | ImageStarted | PublishProgress | ImagePublished | LayerFinished | LayerMoved
)


@dataclass(frozen=True, slots=True)
class Published:
    """A release that is visible now; `existed` if it was before, with the same content.

    `layers` are the new ones. `read` bytes of files held `new` + `reused` + `zeros` bytes of images; `uploaded` counts
    all objects, not only segments.
    """

    release: Release
    existed: bool
    layers: tuple[LayerEntry, ...]
    read: int
    new: int
    reused: int
    zeros: int
    uploaded: int
