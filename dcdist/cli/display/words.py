"""The events of a fetch in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from dcdist.engine import fetch_events
from dcdist.model.quantities import show_bytes, show_count, show_duration, show_rate
from dcdist.shown_text import on_one_line

if TYPE_CHECKING:
    from dcdist.engine.fetch_events import FetchEvent


def line(event: FetchEvent) -> str:
    """One line for a log; `Fetched` alone has several."""
    told = _line(event)
    return told if isinstance(event, fetch_events.Fetched) else on_one_line(told)


def _line(event: FetchEvent) -> str:
    match event:
        case fetch_events.ReleaseFound():
            return _found(event)
        case fetch_events.MetadataWritten():
            return f"{show_count(event.files, 'metadata file')} in place" if event.files else "no metadata files"
        case fetch_events.LayerChecked():
            return (
                f"checking layer {event.layer} in the cache (the last run ended uncleanly): "
                f"{show_bytes(event.checked)} of {show_bytes(event.length)}"
            )
        case fetch_events.ImageChecked():
            return f"reading {event.name} in the destination: {show_bytes(event.checked)} of {show_bytes(event.size)}"
        case fetch_events.Waiting():
            return f"waiting: {event.reason}"
        case fetch_events.Progress():
            return f"{percent(event)}%: {', '.join(progress(event))}"
        case fetch_events.ImageFinished():
            return f"image {event.name} is {image_state(event)}, {show_bytes(event.size)}"
        case fetch_events.FileReplaced():
            return f"replaced {event.path}: {event.reason}"
        case fetch_events.FileRemoved():
            return f"removed {event.path}: {event.reason}"
        case fetch_events.FileKept():
            return f"kept {event.path}: {event.reason}"
        case fetch_events.Troubled():
            return f"note: {event.message}"
        case fetch_events.Fetched():
            return fetched(event)
        case fetch_events.Seeding():
            return "giving to other hosts" + (f" for {show_duration(event.seconds)}" if event.seconds else "")
        case fetch_events.TookOver():
            return f"process {event.process}, which seeded from the same cache, gave way and has ended"
        case fetch_events.GaveWay():
            process = f"process {event.process}" if event.process else "another process"
            return f"giving way to {process}, which uses the same cache"
        case _:
            assert_never(event)


def image_state(event: fetch_events.ImageFinished) -> str:
    """Whether it came now, or was there and was read or not."""
    if not event.in_place:
        return "complete"
    return "in place, read and intact" if event.read else "in place, not read again"


def _found(event: fetch_events.ReleaseFound) -> str:
    """What is to come; of a part of the images it is more than their own share, which is told before it comes."""
    layers = show_bytes(event.layer_bytes)
    if not event.images:
        return f"{event.release}: layers of {layers}" if event.layer_bytes else f"{event.release}: metadata only"
    is_part = event.images < event.release_images
    images, size = show_count(event.images, "image"), show_bytes(event.image_bytes)
    if is_part:
        images = f"{event.images} of {show_count(event.release_images, 'image')}"
        size += f" of {show_bytes(event.release_image_bytes)}"
    if not event.layer_bytes:
        return f"{event.release}: {images}, {size}, in place"
    whole = f"; the layers that hold them come whole: {layers}, less what the cache has"
    return f"{event.release}: {images}, {size}" + (whole if is_part else f", from layers of {layers}")


def percent(event: fetch_events.Progress) -> int:
    """The share of layers and images together that is here."""
    total = event.layer_total + event.image_total
    return 100 if total == 0 else 100 * (event.layer_bytes + event.bytes.images) // total


def progress(event: fetch_events.Progress) -> tuple[str, ...]:
    """Bytes; rates by source, with the peers, and what they were given; time left, if that is known."""
    told = (
        f"layers {show_bytes(event.layer_bytes)} of {show_bytes(event.layer_total)}, "
        f"images {show_bytes(event.bytes.images)} of {show_bytes(event.image_total)}",
        f"{show_rate(event.from_store)} from the store, {show_rate(event.from_peers)} from "
        + show_count(event.peers, "peer")
        + (f", {show_bytes(event.bytes.given)} given to others" if event.bytes.given else ""),
    )
    return told if event.seconds_left is None else (*told, f"{show_duration(event.seconds_left)} left")


def fetched(event: fetch_events.Fetched) -> str:
    """The sums: how much came from where, and how this host stood with the others."""
    counted = event.bytes
    rate = counted.images / event.seconds if event.seconds > 0 else 0.0
    return (
        f"{event.release} is complete after {show_duration(event.seconds)}"
        + (f": {show_bytes(counted.images)} of images, {show_rate(rate)}" if counted.images else "")
        + f"\n  from the store {show_bytes(counted.store)}, from {show_count(event.peers_seen, 'other host')} "
        f"{show_bytes(counted.peers)}, from the cache {show_bytes(counted.reused)}, wasted "
        f"{show_bytes(counted.wasted)}" + ("" if event.listening is None else f"\n  {among_others(event)}")
    )


def among_others(event: fetch_events.Fetched) -> str:
    """Where the others find this host, how many of them were connected at the end, and what it gave them."""
    members = event.members
    where = f"listening on {event.listening}" if event.advertised is None else f"announced as {event.advertised}"
    connected = (
        f"{members.linked} of {show_count(members.listed, 'host')} connected at the end"
        if members.listed
        else "no other host was listed at the end"
    )
    silent = f", {members.unreachable} unreachable" if members.unreachable else ""
    return f"{where}; {connected}{silent}; {show_bytes(event.bytes.given)} given to others"
