"""`dcdist seed`: whole layers for other hosts, until a signal ends it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from dcdist.cli.commands import shared_options
from dcdist.cli.commands.base_command import BaseCommand, reporting_options

if TYPE_CHECKING:
    from pathlib import Path


@click.command(
    "seed", cls=BaseCommand, short_help="Give the layers of a release to other hosts.", epilog=shared_options.UNITS
)
@click.argument("wanted", type=shared_options.WANTED, metavar="DEMO[@VERSION]")
@shared_options.STORE
@shared_options.TRUST
@shared_options.FOLLOWED_LINE
@shared_options.CACHE
@shared_options.LISTEN_OPTION
@shared_options.ADVERTISE
@shared_options.PEERS
@shared_options.REALM_OPTION
@shared_options.STORE_RATE
@shared_options.FLEET_STORE_RATE
@shared_options.UP_RATE
@shared_options.USER
@shared_options.LOG_FILE
@reporting_options
def command(
    wanted: str,
    store: str,
    trust: tuple[Path, ...],
    user: str | None,
    *,
    as_json: bool,
    log_file: Path | None,
    **chosen: object,
) -> None:
    """Hold all layers of a release and give them to other hosts.

    Fetches missing layers, then seeds until Ctrl-C or SIGTERM (exit code 0). Writes no image.

    \b
    Example:
      python -m dcdist seed web-demo@2 --store swift://demos --trust publisher.pub \\
          --cache /var/cache/dcdist --listen 0.0.0.0:6881
    """  # noqa: D301
    from dcdist.cli.commands.seeding import run_seeder
    from dcdist.cli.event_log import logging_events
    from dcdist.cli.giving_up_root import folder_of_heartbeats, seeding_user
    from dcdist.engine.flat_options import fetch_options
    from dcdist.node.key_files import read_public_key

    options = fetch_options(dest=None, **shared_options.given(chosen))
    heartbeats = folder_of_heartbeats(store, wanted.partition("@")[0], options.reach.realm)
    becoming = seeding_user(user, cache=options.cache, heartbeats=heartbeats)
    keys = [read_public_key(path) for path in trust]
    with logging_events(log_file, "seed", wanted) as log:
        run_seeder(store, wanted, options, keys, becoming, as_json=as_json, log=log)
