"""`dcdist verify`: what a host has, compared with what the publisher signed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from dcdist.cli.commands import shared_options
from dcdist.cli.commands.base_command import BaseCommand, reporting_options
from dcdist.cli.commands.variables import setting
from dcdist.errors import IntegrityError

if TYPE_CHECKING:
    from dcdist.model.identity import ReleaseName


@click.command("verify", cls=BaseCommand, short_help="Check fetched images against the signed manifest.")
@click.argument("release", type=shared_options.RELEASE, metavar="DEMO@VERSION")
@shared_options.STORE
@shared_options.TRUST
@setting(
    "--dest",
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="Folder that the release was fetched to.",
)
@reporting_options
def command(release: ReleaseName, store: str, trust: tuple[Path, ...], dest: Path, *, as_json: bool) -> None:
    """Check the images in a folder against the signed manifest.

    Reads every byte and compares by SHA-256, whatever earlier checks found. Says of each image and metadata file
    whether it is ok, is missing or differs, and ends with code 4 unless all are ok. Images that no fetch asked for, by
    the folder's record, may be missing. Names files that an earlier release left there, and counts those of others.

    \b
    Example:
      python -m dcdist verify web-demo@2 --store swift://demos --trust publisher.pub --dest /images
    """  # noqa: D301
    from dcdist.catalog.find import find_release
    from dcdist.cli.display.store_notes import StoreNotes
    from dcdist.cli.display.verify_display import advice, verify_display
    from dcdist.cli.running import run_until_done
    from dcdist.model.quantities import show_count
    from dcdist.node.key_files import read_public_key
    from dcdist.node.stores import open_store
    from dcdist.node.verification import Condition, ImageVerified, MetadataVerified, Recorded, verify

    notes = StoreNotes()
    keys = [read_public_key(path) for path in trust]
    recorded: Recorded | None = None
    words = {Condition.MISSING: "is missing", Condition.DIFFERS: "differs"}

    async def run() -> tuple[int, dict[str, Condition]]:
        nonlocal recorded
        async with open_store(store, report=notes.report) as opened:
            found = await find_release(opened, str(release), trust=keys, report=notes.report)
        wrong: dict[str, Condition] = {}
        count = 0
        async for event in verify(found, dest):
            display.report(event)
            if isinstance(event, ImageVerified | MetadataVerified) and event.condition is not Condition.NOT_FETCHED:
                count += 1
                if event.condition is not Condition.OK:
                    wrong[event.title] = event.condition
            elif isinstance(event, Recorded):
                recorded = event
        return count, wrong

    with verify_display(as_json=as_json) as display:
        count, wrong = run_until_done(run())
    if wrong:
        told = ", ".join(f"{title} {words[condition]}" for title, condition in wrong.items())
        raise IntegrityError(
            f"{len(wrong)} of {show_count(count, 'file')} of {release} in {dest} {'is' if len(wrong) == 1 else 'are'} "
            f"not as published: {told}; {advice(release, wrong.values(), recorded)}",
            source=str(dest),
        )
    display.finish(str(release), count)
