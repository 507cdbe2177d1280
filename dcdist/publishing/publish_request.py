"""What to publish, and how."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dcdist.errors import UsageError
from dcdist.formats.compression import DEFAULT_LEVEL
from dcdist.formats.frames import FRAME_PLAIN_LIMIT
from dcdist.model.geometry import KIB, LAYER_LIMIT, MIB

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

    from dcdist.formats.signature import PrivateKey, PublicKey
    from dcdist.model.identity import LineId, ReleaseName


@dataclass(frozen=True, slots=True)
class ImageSource:
    """One image to publish: the file `path`, or all that `stream` (such as standard input) gives.

    It is published as `name`; endings such as `.gz` and `.zstd` are dropped from the name of an XVA.
    """

    name: str
    path: Path | None = None
    stream: BinaryIO | None = None

    @classmethod
    def of(cls, path: Path) -> ImageSource:
        """A file under its own name."""
        return cls(path.name, path)


@dataclass(frozen=True, slots=True)
class Cut:
    """Lengths in bytes that decide how images are cut and layers are filled. Releases with the same cut share the most.

    Raises:
        UsageError: They do not fit together, or exceed what readers accept.
    """

    chunk: int = 64 * KIB
    frame: int = MIB
    layer: int = LAYER_LIMIT

    def __post_init__(self) -> None:
        if not (0 < self.chunk <= self.frame and self.frame + self.chunk <= FRAME_PLAIN_LIMIT):
            raise UsageError(f"chunks of {self.chunk} bytes in frames of {self.frame} bytes cannot be written")
        if not self.frame <= self.layer <= LAYER_LIMIT:
            raise UsageError(f"layers of {self.layer} bytes cannot be written: from a frame to {LAYER_LIMIT} bytes")


@dataclass(frozen=True, slots=True)
class LineChoice:
    """Which line a release continues: that of the demo's releases before it, unless one of these says otherwise.

    `line` is the one to continue where there are several; `new` begins one, which replaces all of them. `replaces`:
    further lines whose hosts are to follow this one from now on.

    Raises:
        UsageError: Both are given, or a line is to replace itself.
    """

    line: LineId | None = None
    new: bool = False
    replaces: tuple[LineId, ...] = ()

    def __post_init__(self) -> None:
        if self.new and self.line is not None:
            raise UsageError(
                "--line ID (line=ID) goes on with a line and --new-line (new_line=True) begins one: give one of them"
            )
        if self.line in self.replaces:
            raise UsageError(f"line {self.line} cannot replace itself: omit it from --replaces (replaces=)")


@dataclass(frozen=True, slots=True)
class PublishRequest:
    """A release to publish: images in start order, and a folder of metadata files.

    Only releases that a key of `trusted`, or the publisher's own, signed have a say: it shares chunks with them, and
    continues their serials. `level` is zstd's. An empty image is refused, as what a failed export leaves, unless
    `allow_empty` says that it is meant. `other_signer`: publish although the demo has releases, and none of these keys
    signed one. `lines`: which line it continues.
    """

    name: ReleaseName
    images: tuple[ImageSource, ...]
    key: PrivateKey
    metadata: Path | None = None
    level: int = DEFAULT_LEVEL
    trusted: tuple[PublicKey, ...] = ()
    cut: Cut = field(default_factory=Cut)
    allow_empty: bool = False
    other_signer: bool = False
    lines: LineChoice = field(default_factory=LineChoice)

    @property
    def keys(self) -> tuple[PublicKey, ...]:
        """All keys whose releases have a say."""
        own = self.key.public
        return (own, *(key for key in self.trusted if key != own))
