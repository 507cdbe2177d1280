"""`dcdist keygen`: a publisher's key pair."""

from __future__ import annotations

from pathlib import Path

import click

from dcdist.cli.commands.base_command import BaseCommand, reporting_options


@click.command("keygen", cls=BaseCommand)
@click.option(
    "--out",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Folder for the two files. Created if missing.",
)
@reporting_options
def command(out: Path, *, as_json: bool) -> None:
    """Make a publisher's key pair.

    Writes publisher.key, which signs releases and must stay secret (mode 0600), and publisher.pub, which every host
    gets. Existing keys are never overwritten.

    Example: python -m dcdist keygen --out keys
    """
    from dcdist.cli.display.output import emit, say
    from dcdist.node.key_files import generate_keys

    made = generate_keys(out)
    if as_json:
        emit({"event": "keys", "key": str(made.key), "public": str(made.public), "identity": made.identity})
        return
    say(f"{made.key}: signs releases (publish --key); keep it secret and safe")
    say(f"{made.public}: for every host (fetch --trust); its identity is {made.identity}")
