"""What a publish reports while it runs, and when it is done. All counts are bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from dcdist.model.trouble import Troubled as Troubled

if TYPE_CHECKING:
    from dcdist.model.identity import LayerName, LineId
    from dcdist.model.release import LayerEntry, Release


@dataclass(frozen=True, slots=True)
class NotShared:
    """A release or a layer of the store has no say: no trusted key signed it, or it cannot be read."""

    key: str
    reason: str


@dataclass(frozen=True, slots=True)
class LeftAlone:
    """What another publish left in the store, at `key`, is neither used nor deleted."""

    key: str
    reason: str


@dataclass(frozen=True, slots=True)
class LinesDropped:
    """Hosts that follow one of `lines` will not follow this release: a manifest names 16 lines that it replaces."""

    lines: tuple[LineId, ...]


@dataclass(frozen=True, slots=True)
class Resumed:
    """An earlier, killed try of this release left `size` bytes in the store; the same bytes are not uploaded again."""

    size: int


@dataclass(frozen=True, slots=True)
class ImageStarted:
    """Reading of an image began. `size` is that of its file, wrapped as it may be; None if unknown.

    With `xva` it is verified as an XVA. Other files are published as they are; `looks_like` says in words what one
    looks like (empty if unknown), and `compressed` that its bytes share nothing with other versions.
    """

    name: str
    size: int | None
    xva: bool
    looks_like: str = ""
    compressed: bool = False


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
    """An image was read to its end and is intact: its plain bytes, and how many are new, reused, or zeros."""

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
    """The live part of a layer (`moved` of its `length` bytes) went into new layers; the layer is not needed."""

    layer: LayerName
    length: int
    moved: int


PublishEvent = (
    Troubled
    | NotShared
    | LeftAlone
    | LinesDropped
    | Resumed
    | ImageStarted
    | PublishProgress
    | ImagePublished
    | LayerFinished
    | LayerMoved
)


@dataclass(frozen=True, slots=True)
class Published:
    """A release that is visible now; `existed`: it was visible before, with the same content.

    `layers` are the new ones. `read` bytes of files held `new` + `reused` + `zeros` bytes of images; `uploaded` counts
    all objects, not only segments. `new_line`: the release is the first of its line.
    """

    release: Release
    existed: bool
    layers: tuple[LayerEntry, ...]
    read: int
    new: int
    reused: int
    zeros: int
    uploaded: int
    new_line: bool = False
