"""`dcdist ls`: the releases of a store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from dcdist.cli.commands import shared_options
from dcdist.cli.commands.base_command import BaseCommand, reporting_options
from dcdist.errors import ReleaseMissingError

if TYPE_CHECKING:
    from pathlib import Path

    from dcdist.catalog.description import ListedRelease, Releases
    from dcdist.cli.faults import Json


@click.command("ls", cls=BaseCommand)
@click.argument("demo", required=False, type=shared_options.DEMO, metavar="[DEMO]")
@shared_options.STORE
@shared_options.TRUST_TO_MARK
@reporting_options
def command(demo: str | None, store: str, trust: tuple[Path, ...], *, as_json: bool) -> None:
    """List the releases of a store, or of one demo.

    Shows for each its serial (the highest of a line is its latest), its images, the bytes of its images and of the
    layers that hold them in the store, and the bytes that a host with the release before it in its cache must move.
    Signatures are checked only with --trust.

    Example: python -m dcdist ls web-demo --store swift://demos
    """
    from dcdist.catalog.description import list_releases
    from dcdist.cli.display.output import emit, say, warn
    from dcdist.cli.display.store_notes import StoreNotes
    from dcdist.cli.running import run_until_done
    from dcdist.node.key_files import read_public_key
    from dcdist.node.stores import open_store
    from dcdist.shown_text import on_one_line

    keys = [read_public_key(path) for path in trust]

    async def run() -> Releases:
        async with open_store(store, report=StoreNotes().report) as opened:
            found = await list_releases(opened, demo, trust=keys)
            if demo is not None and not found.readable and not found.unreadable:
                raise ReleaseMissingError(
                    f"{opened} has no release of {demo}; without a demo, ls shows what it has", release=demo
                )
            return found

    found = run_until_done(run())
    unreadable = [*found.unreadable, *(each for listed in found.readable for each in listed.delta.unreadable)]
    if as_json:
        for listed in found.readable:
            emit(_record(listed))
        for each in unreadable:
            emit({"event": "unreadable", "key": each.key, "reason": each.reason})
        return
    if found.readable:
        say(_table(found.readable))
        if not keys:
            say("signatures are not checked here, unless --trust is given; fetch and verify check them")
    else:
        say(f"{store} has no release")
    for each in unreadable:
        warn(on_one_line(f"cannot be read: {each.key}: {each.reason}"))


def _record(listed: ListedRelease) -> dict[str, Json]:
    release = listed.release
    checked: dict[str, Json] = {} if listed.trusted is None else {"trusted": listed.trusted}
    return {
        "event": "release",
        "release": str(release.name),
        "serial": release.serial,
        "line": release.line,
        "published": round(listed.published, 3),
        "images": len(release.images),
        "layers": len(release.layers),
        "bytes": {"images": release.image_bytes, "layers": release.layer_bytes, "new": listed.new_bytes},
        **checked,
    }


def _table(listed: tuple[ListedRelease, ...]) -> str:
    from datetime import UTC, datetime

    from dcdist.cli.display.table import table
    from dcdist.model.quantities import show_bytes

    lines = _several_lines(listed)
    rows = [
        (
            str(each.release.name),
            str(each.release.serial),
            datetime.fromtimestamp(each.published, UTC).strftime("%Y-%m-%d %H:%M"),
            str(len(each.release.images)),
            show_bytes(each.release.image_bytes),
            show_bytes(each.release.layer_bytes),
            show_bytes(each.new_bytes),
            *((each.release.line or "none",) if lines else ()),
            *(() if each.trusted is None else ("yes" if each.trusted else "NO",)),
        )
        for each in listed
    ]
    checked = () if listed[0].trusted is None else ("TRUSTED",)
    more = (*(("LINE",) if lines else ()), *checked)
    header = ("RELEASE", "SERIAL", "PUBLISHED (UTC)", "IMAGES", "IMAGE BYTES", "LAYER BYTES", "NEW", *more)
    return table(header, rows, right=frozenset({1, 3, 4, 5, 6}))


def _several_lines(listed: tuple[ListedRelease, ...]) -> bool:
    """Whether a demo has releases of more than one line, so that serials alone tell no order."""
    pairs = {(each.release.name.demo, each.release.line) for each in listed}
    return len(pairs) > len({demo for demo, _ in pairs})
