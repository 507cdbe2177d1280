"""Publishing small things in tests: chunks of 4 KiB in frames of 32 KiB."""

from __future__ import annotations

import io
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dcdist.formats.signature import PrivateKey
from dcdist.model.identity import ReleaseName
from dcdist.publishing import Cut, ImageSource, LineChoice, Published, PublishEvent, PublishRequest, publish

if TYPE_CHECKING:
    from pathlib import Path

    from dcdist.formats.signature import PublicKey
    from dcdist.ports.store import Store

CHUNK = 4096
CUT = Cut(chunk=CHUNK, frame=8 * CHUNK)
KEY = PrivateKey(bytes(range(32)))
OTHER_KEY = PrivateKey(bytes(range(1, 33)))


def noise(seed: int, length: int) -> bytes:
    """Bytes that neither pack nor repeat; the same for the same seed."""
    return random.Random(seed).randbytes(length)


@dataclass(slots=True)
class Publisher:
    """Publishes images that are given as bytes."""

    store: Store
    key: PrivateKey = KEY
    cut: Cut = CUT
    trusted: tuple[PublicKey, ...] = ()
    metadata: Path | None = None
    allow_empty: bool = False
    other_signer: bool = False
    lines: LineChoice = field(default_factory=LineChoice)
    events: list[PublishEvent] = field(default_factory=list)

    async def publish(self, name: str, images: dict[str, bytes]) -> Published:
        """Publish; what was told is in `events`."""
        self.events.clear()
        sources = tuple(ImageSource(image, stream=io.BytesIO(content)) for image, content in images.items())
        request = PublishRequest(
            ReleaseName.parse(name),
            sources,
            self.key,
            self.metadata,
            level=1,
            trusted=self.trusted,
            cut=self.cut,
            other_signer=self.other_signer,
            allow_empty=self.allow_empty,
            lines=self.lines,
        )
        return await publish(self.store, request, report=self.events.append)
