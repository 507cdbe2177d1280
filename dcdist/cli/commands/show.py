"""`dcdist show`: what a release is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from dcdist.cli.commands import shared_options
from dcdist.cli.commands.base_command import BaseCommand, reporting_options

if TYPE_CHECKING:
    from pathlib import Path

    from dcdist.catalog.description import ListedRelease
    from dcdist.cli.faults import Json
    from dcdist.model.identity import LineId


@click.command("show", cls=BaseCommand, short_help="Show what a release is made of.")
@click.argument("wanted", type=shared_options.WANTED, metavar="DEMO[@VERSION]")
@shared_options.STORE
@shared_options.TRUST_TO_MARK
@shared_options.LINE_TO_EXAMINE
@reporting_options
def command(wanted: str, store: str, trust: tuple[Path, ...], line: LineId | None, *, as_json: bool) -> None:
    """Show what a release is made of, and what is new against the release before it.

    Without @VERSION this shows the latest release. Layers marked new are not part of the release before it. A host that
    has that one in its cache copies what it can of them and moves the rest. The signature is checked only with
    --trust; with it, the latest is of the releases that these keys signed.

    Example: python -m dcdist show web-demo@2 --store swift://demos
    """
    from dcdist.catalog.description import describe
    from dcdist.cli.display.output import emit, say, warn
    from dcdist.cli.display.store_notes import StoreNotes
    from dcdist.cli.running import run_until_done
    from dcdist.node.key_files import read_public_key
    from dcdist.node.stores import open_store
    from dcdist.shown_text import on_one_line

    keys = [read_public_key(path) for path in trust]
    demo, _, version = wanted.partition("@")

    async def run() -> ListedRelease:
        async with open_store(store, report=StoreNotes().report) as opened:
            return await describe(opened, demo, version or None, trust=keys, line=line)

    found = run_until_done(run())
    if as_json:
        for each in found.delta.unreadable:
            emit({"event": "unreadable", "key": each.key, "reason": each.reason})
        emit(_record(found))
    else:
        say(_text(found))
        for each in found.delta.unreadable:
            warn(on_one_line(f"cannot be read: {each.key}: {each.reason}"))


_SIGNATURE = {
    None: "the signature is not checked",
    True: "signed by a trusted key",
    False: "NOT signed by a trusted key, so fetch passes it over",
}
"""By whether a given key signed it; None: no key was given."""


def _record(found: ListedRelease) -> dict[str, Json]:
    release = found.release
    new = {layer.name for layer in found.new_layers}
    checked: dict[str, Json] = {} if found.trusted is None else {"trusted": found.trusted}
    return {
        "event": "release",
        "release": str(release.name),
        "serial": release.serial,
        "line": release.line,
        "replaces": list(release.replaces),
        "published": round(found.published, 3),
        "latest": found.latest,
        "previous": str(found.previous) if found.previous else None,
        "images": [{"name": image.name, "bytes": image.size, "sha256": image.digest.hex()} for image in release.images],
        "layers": [{"name": layer.name, "bytes": layer.length, "new": layer.name in new} for layer in release.layers],
        "metadata": [{"path": file.path, "bytes": len(file.content)} for file in release.metadata],
        "bytes": {"images": release.image_bytes, "layers": release.layer_bytes, "new": found.new_bytes},
        **checked,
    }


def _text(found: ListedRelease) -> str:
    from datetime import UTC, datetime

    from dcdist.cli.display.table import table
    from dcdist.model.quantities import show_bytes, show_count

    release = found.release
    published = datetime.fromtimestamp(found.published, UTC).strftime("%Y-%m-%d %H:%M UTC")
    latest = ", the latest" if found.latest else ""
    line = f" of line {release.line}" if release.line else ""
    replaces = f"\nit replaces line {', '.join(release.replaces)}" if release.replaces else ""
    told = f"serial {release.serial}{line}{latest}, published {published}; {_SIGNATURE[found.trusted]}{replaces}"
    parts = [f"{release.name}: {told}"]
    images = [(image.name, show_bytes(image.size), image.digest.hex()) for image in release.images]
    if images:
        parts.append(table(("IMAGE", "BYTES", "SHA-256"), images, right=frozenset({1})))
    new = {layer.name for layer in found.new_layers}
    layers = [(layer.name, show_bytes(layer.length), "new" if layer.name in new else "") for layer in release.layers]
    if layers:
        parts.append(table(("LAYER", "BYTES", ""), layers, right=frozenset({1})))
    files = [(file.path, show_bytes(len(file.content))) for file in release.metadata]
    if files:
        parts.append(table(("METADATA", "BYTES"), files, right=frozenset({1})))
    of_new = show_bytes(sum(layer.length for layer in found.new_layers))
    before = f" with {found.previous} in its cache" if found.previous else ""
    parts.append(
        f"images {show_bytes(release.image_bytes)}, layers {show_bytes(release.layer_bytes)}, "
        f"new {of_new} in {show_count(len(new), 'layer')}\n"
        f"a host{before} moves {show_bytes(found.new_bytes)}"
    )
    return "\n\n".join(parts)
