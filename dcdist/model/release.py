"""A release as its manifest describes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dcdist.model.identity import Digest, LayerName, LineId, ReleaseName


@dataclass(frozen=True, slots=True)
class Image:
    """One image: its file name, bytes, SHA-256 of the whole, and SHA-256 of its extents object (also its name)."""

    name: str
    size: int
    digest: Digest
    extents: Digest


@dataclass(frozen=True, slots=True)
class LayerEntry:
    """One layer that the release needs: its name, bytes, and the SHA-256 of its index object."""

    name: LayerName
    length: int
    index: Digest


@dataclass(frozen=True, slots=True)
class MetadataFile:
    """One small file inside the manifest; `path` is relative, with `/`. `executable`: its owner may run it."""

    path: str
    content: bytes
    executable: bool = False


@dataclass(frozen=True, slots=True)
class Release:
    """`demo@version`: images in start order, the layers they need in start order, metadata files.

    `serial` orders the releases of a line: the highest is the latest. `line` is the id of the series of releases that
    this one continues, chosen by its first publish: 32 hex digits, or None in manifests older than lines. `replaces`:
    the lines whose hosts are to follow this one instead.
    """

    name: ReleaseName
    serial: int
    images: tuple[Image, ...]
    layers: tuple[LayerEntry, ...]
    metadata: tuple[MetadataFile, ...]
    line: LineId | None = None
    replaces: tuple[LineId, ...] = ()

    @property
    def image_bytes(self) -> int:
        """Bytes of all images."""
        return sum(image.size for image in self.images)

    @property
    def layer_bytes(self) -> int:
        """Bytes of all layers: what a host with an empty cache fetches."""
        return sum(layer.length for layer in self.layers)


@dataclass(frozen=True, slots=True)
class SignedRelease:
    """A release whose signatures were checked, and the identities of all the trusted keys that signed it."""

    release: Release
    signers: frozenset[str]
