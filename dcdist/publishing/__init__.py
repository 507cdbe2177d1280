"""From files to a release in a store: reading, cutting, writing, beside what the store has already.

A release becomes visible with its manifest, which is written last. Whatever fails before that leaves nothing to see.
"""

from dcdist.publishing.publish_events import (
    ImagePublished,
    ImageStarted,
    LayerFinished,
    LayerMoved,
    LeftAlone,
    LinesDropped,
    NotShared,
    Published,
    PublishEvent,
    PublishProgress,
    Resumed,
)
from dcdist.publishing.publish_request import Cut, ImageSource, LineChoice, PublishRequest
from dcdist.publishing.publish_run import publish

__all__ = [
    "Cut",
    "ImagePublished",
    "ImageSource",
    "ImageStarted",
    "LayerFinished",
    "LayerMoved",
    "LeftAlone",
    "LineChoice",
    "LinesDropped",
    "NotShared",
    "PublishEvent",
    "PublishProgress",
    "PublishRequest",
    "Published",
    "Resumed",
    "publish",
]  # fmt: skip
