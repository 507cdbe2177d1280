"""From files to a release in a store: chunking, layers, upload; and what is in a store, for `ls` and `show`.

A release becomes visible with its manifest, which is written last. Whatever happens before leaves nothing to see.
"""

from dcdist.publishing.describe import Description, ListedRelease, Releases, Unreadable, describe, list_releases
from dcdist.publishing.events import (
    ImageFinished,
    ImageStarted,
    LayerFinished,
    LayerMoved,
    Progress,
    Published,
    PublishEvent,
    ReleaseSkipped,
    Resumed,
)
from dcdist.publishing.publish import publish
from dcdist.publishing.request import Cut, ImageSource, PublishRequest

__all__ = [
    "Cut", "Description", "ImageFinished", "ImageSource", "ImageStarted", "LayerFinished", "LayerMoved",
    "ListedRelease", "Progress", "PublishEvent", "PublishRequest", "Published", "ReleaseSkipped", "Releases",
    "Resumed", "Unreadable", "describe", "list_releases", "publish",
]  # fmt: skip
