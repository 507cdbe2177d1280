"""A destination to which releases come that a test makes of bytes, without a store."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dcdist.disk import DirectoryDestination
from dcdist.disk.record_file import load_record
from dcdist.model.destination_notes import FileKept, FileRemoved, FileReplaced, ImageChecked
from dcdist.model.identity import ReleaseName
from dcdist.model.release import Image, MetadataFile, Release
from dcdist.model.trouble import Troubled
from dcdist.ports.images import InPlace
from tests.support.format_objects import NAUGHT, digest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from dcdist.disk.destination_record import DestinationRecord
    from dcdist.model.destination_notes import DestinationNote


def made_release(
    name: str, images: Mapping[str, bytes], metadata: Mapping[str, bytes] | None = None, *, executable: bool = False
) -> Release:
    """A release of this content."""
    return Release(
        ReleaseName.parse(name),
        1,
        tuple(Image(each, len(content), digest(content), NAUGHT) for each, content in images.items()),
        (),
        tuple(MetadataFile(path, content, executable) for path, content in (metadata or {}).items()),
    )


@dataclass
class DeliverySite:
    """A destination, and what was told of it."""

    folder: Path
    notes: list[DestinationNote | Troubled] = field(default_factory=list)

    async def deliver(
        self,
        name: str,
        images: Mapping[str, bytes],
        metadata: Mapping[str, bytes] | None = None,
        *,
        wanted: Sequence[str] | None = None,
        read: bool = False,
        until: str = "",
    ) -> dict[str, InPlace]:
        """Bring a release as a fetch does, or only until `prepared` or `begun`; which images were there."""
        release = made_release(name, images, metadata)
        asked = [image for image in release.images if wanted is None or image.name in wanted]
        self.notes.clear()
        async with DirectoryDestination(self.folder, release, report=self.notes.append) as destination:
            await destination.acquire(waiting=_fail)
            found = {image.name: await destination.look(image, read=read) for image in asked}
            await destination.require_places()
            if until == "prepared":
                return found
            await destination.begin(asked)
            if until == "begun":
                return found
            for image in asked:
                if found[image.name] is InPlace.ABSENT:
                    file = await destination.create(image.name, image.size)
                    file.write(0, images[image.name])
                    await destination.place(image, file)
            await destination.complete()
        return found

    def told(self) -> list[str]:
        """What happened to files, in short."""
        words = {FileReplaced: "replaced", FileRemoved: "removed", FileKept: "kept"}
        return [
            f"{words[type(note)]} {note.path}: {note.reason}"
            for note in self.notes
            if isinstance(note, FileReplaced | FileRemoved | FileKept)
        ]

    def troubles(self) -> list[str]:
        """What went wrong."""
        return [note.message for note in self.notes if isinstance(note, Troubled)]

    def read(self) -> set[str]:
        """The files that were read to know them."""
        return {note.name for note in self.notes if isinstance(note, ImageChecked)}

    def content(self) -> dict[str, bytes]:
        """All files, without the record."""
        found: dict[str, bytes] = {}
        for place, _, names in os.walk(self.folder):
            for name in names:
                path = os.path.join(place, name)
                with open(path, "rb") as file:
                    found[os.path.relpath(path, self.folder)] = file.read()
        found.pop(".dcdist-release", None)
        return found

    def record(self) -> DestinationRecord:
        """As it stands there."""
        return load_record(self.folder)

    def holds(self) -> dict[str, bool]:
        """The releases of the record, and whether each is complete."""
        return {str(each.name): each.complete for each in self.record().releases.values()}


def _fail(reason: str) -> None:
    raise AssertionError(reason)
