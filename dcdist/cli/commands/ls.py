"""`dcdist ls`: the releases of a store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from dcdist.cli.commands import shared_options
from dcdist.cli.commands.base_command import BaseCommand, reporting_options

if TYPE_CHECKING:
    from dcdist.catalog.description import ListedRelease, Releases
    from dcdist.cli.faults import Json


@click.command("ls", cls=BaseCommand)
@click.argument("demo", required=False, type=shared_options.DEMO, metavar="[DEMO]")
@shared_options.STORE
@reporting_options
def command(demo: str | None, store: str, *, as_json: bool) -> None:
    """List the releases of a store, or of one demo.

    Shows for each its serial (the highest is the latest), its images, the bytes of its images and of the layers that
    hold them in the store, and the bytes that a host with the release before it must fetch. Signatures are not
    checked.

    Example: python -m dcdist ls web-demo --store swift://demos
    """
    from dcdist.catalog.description import list_releases
    from dcdist.cli.display.output import emit, say, warn
    from dcdist.cli.running import run_until_done
    from dcdist.node.stores import open_store

    async def run() -> Releases:
        async with open_store(store) as opened:
            return await list_releases(opened, demo)

    found = run_until_done(run())
    if as_json:
        for listed in found.readable:
            emit(_record(listed))
        for each in found.unreadable:
            emit({"event": "unreadable", "key": each.key, "reason": each.reason})
        return
    if found.readable:
        say(_table(found.readable))
        say("signatures are not checked here; fetch and verify check them")
    else:
        say(f"{store} has no release" + (f" of {demo}" if demo else ""))
    for each in found.unreadable:
        warn(f"cannot be read: {each.key}: {each.reason}")


def _record(listed: ListedRelease) -> dict[str, Json]:
    release = listed.release
    return {
        "event": "release",
        "release": str(release.name),
        "serial": release.serial,
        "published": round(listed.published, 3),
        "images": len(release.images),
        "layers": len(release.layers),
        "bytes": {"images": release.image_bytes, "layers": release.layer_bytes, "new": listed.new_bytes},
    }


def _table(listed: tuple[ListedRelease, ...]) -> str:
    from datetime import UTC, datetime

    from dcdist.cli.display.quantities import show_bytes
    from dcdist.cli.display.table import table

    rows = [
        (
            str(each.release.name),
            str(each.release.serial),
            datetime.fromtimestamp(each.published, UTC).strftime("%Y-%m-%d %H:%M"),
            str(len(each.release.images)),
            show_bytes(each.release.image_bytes),
            show_bytes(each.release.layer_bytes),
            show_bytes(each.new_bytes),
        )
        for each in listed
    ]
    header = ("RELEASE", "SERIAL", "PUBLISHED (UTC)", "IMAGES", "IMAGE BYTES", "LAYER BYTES", "NEW")
    return table(header, rows, right=frozenset({1, 3, 4, 5, 6}))
