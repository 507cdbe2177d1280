"""`dcdist seed`: whole layers for other hosts, until it is told to end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from dcdist.cli.commands import shared_options

if TYPE_CHECKING:
    from pathlib import Path


@click.command("seed", short_help="Give the layers of a release to other hosts.", epilog=shared_options.UNITS)
@click.argument("wanted", type=shared_options.WANTED, metavar="DEMO[@VERSION]")
@shared_options.STORE
@shared_options.TRUST
@shared_options.CACHE
@shared_options.LISTEN_OPTION
@shared_options.ADVERTISE
@shared_options.PEERS
@shared_options.REALM_OPTION
@shared_options.STORE_RATE
@shared_options.FLEET_STORE_RATE
@shared_options.UP_RATE
@shared_options.LOG_FILE
@shared_options.common
def command(
    wanted: str,
    store: str,
    trust: tuple[Path, ...],
    cache: Path,
    listen: tuple[str, int] | None,
    advertise: tuple[str, int] | None,
    peers: tuple[tuple[str, int], ...],
    realm: str,
    store_rate: float | None,
    fleet_store_rate: float | None,
    up_rate: float | None,
    log_file: Path | None,
    *,
    as_json: bool,
) -> None:
    """Hold all layers of a release and give them to other hosts.

    Brings the layers that the cache lacks, then gives until Ctrl-C or SIGTERM; that is its normal end, with code 0.
    No image is written.

    \b
    Example:
      python -m dcdist seed web-demo@2 --store swift://demos --trust publisher.pub \\
          --cache /var/cache/dcdist --listen 0.0.0.0:6881
    """  # noqa: D301
    from dcdist.cli.commands.seeding import run_seeder
    from dcdist.cli.event_log import logging_events
    from dcdist.node.fetch_options import SeedOptions
    from dcdist.node.key_files import read_public_key

    asked = SeedOptions(
        cache=cache,
        listen=listen,
        advertise=advertise,
        peers=peers,
        realm=realm,
        store_rate=store_rate,
        fleet_store_rate=fleet_store_rate,
        up_rate=up_rate,
    )
    with logging_events(log_file, "seed", wanted) as log:
        run_seeder(store, wanted, asked, [read_public_key(path) for path in trust], as_json=as_json, log=log)
