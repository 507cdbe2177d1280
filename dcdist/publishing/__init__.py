"""From files to a release in a store: chunking, layers, upload; and what is in a store, for `ls` and `show`.

A release becomes visible with its manifest, which is written last. Whatever happens before leaves nothing to see.
"""

from dcdist.catalog.description import Description, ListedRelease, Releases, Unreadable, describe, list_releases
from dcdist.publishing.publish_events import (
    ImagePublished,
    ImageStarted,
    LayerFinished,
    LayerMoved,
    NotShared,
    Published,
    PublishEvent,
    PublishProgress,
    Resumed,
)
from dcdist.publishing.publish_request import Cut, ImageSource, PublishRequest
from dcdist.publishing.publish_run import publish

__all__ = [
    "Cut",
    "Description",
    "ImagePublished",
    "ImageSource",
    "ImageStarted",
    "LayerFinished",
    "LayerMoved",
    "ListedRelease",
    "NotShared",
    "PublishEvent",
    "PublishProgress",
    "PublishRequest",
    "Published",
    "Releases",
    "Resumed",
    "Unreadable",
    "describe",
    "list_releases",
    "publish",
]  # fmt: skip
