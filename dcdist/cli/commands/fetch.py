"""`dcdist fetch`: a release to this host, from the store and from other hosts at once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from dcdist.cli.commands import shared_options
from dcdist.cli.display.quantities import show_address
from dcdist.cli.worker.follow import follow
from dcdist.cli.worker.handle import Child
from dcdist.cli.worker.request import FetchRequest

if TYPE_CHECKING:
    from dcdist.cli.faults import Fault


@click.command("fetch", short_help="Fetch a release to this host.", epilog=shared_options.UNITS)
@click.argument("wanted", type=shared_options.WANTED, metavar="DEMO[@VERSION]")
@shared_options.STORE
@shared_options.TRUST
@click.option(
    "--dest",
    required=True,
    type=shared_options.FOLDER,
    metavar="DIR",
    help="Where the images go, under their published names; metadata files go to DIR/metadata. Created if need be.",
)
@shared_options.CACHE
@click.option(
    "--image", "images", multiple=True, metavar="NAME", help="Fetch this image only. May be repeated. [default: all]"
)
@click.option("--metadata-only", is_flag=True, help="Write the metadata files and end.")
@shared_options.LISTEN_OPTION
@shared_options.ADVERTISE
@shared_options.PEERS
@shared_options.REALM_OPTION
@click.option("--no-swarm", is_flag=True, help="Take from the store only, and give to nobody.")
@click.option(
    "--no-store", is_flag=True, help="Take images from other hosts only; manifest and index still come from the store."
)
@click.option(
    "--prefer",
    type=click.Choice(["time", "egress"]),
    default="time",
    show_default=True,
    help="What matters more: to be ready sooner, or to spare the store.",
)
@click.option(
    "--order",
    type=click.Choice(["any", "stream"]),
    default="any",
    show_default=True,
    help="Which parts come first: any, as it suits all hosts, or those at the front of the release.",
)
@shared_options.STORE_RATE
@shared_options.FLEET_STORE_RATE
@shared_options.UP_RATE
@shared_options.DOWN_RATE
@click.option(
    "--seed-for",
    type=shared_options.DURATION,
    default="10m",
    show_default=True,
    metavar="DURATION",
    help="How long to go on giving to other hosts, in the background, when the images are complete: 90s, 30m, 2h; 0 "
    "for not at all.",
)
@click.option(
    "--trace",
    type=shared_options.NEW_FILE,
    metavar="FILE",
    help="Write down what is decided and why there, for the simulator.",
)
@shared_options.LOG_FILE
@shared_options.common
def command(
    wanted: str,
    store: str,
    trust: tuple[Path, ...],
    dest: Path,
    cache: Path,
    images: tuple[str, ...],
    metadata_only: bool,
    listen: tuple[str, int] | None,
    advertise: tuple[str, int] | None,
    peers: tuple[tuple[str, int], ...],
    realm: str,
    no_swarm: bool,
    no_store: bool,
    prefer: str,
    order: str,
    store_rate: float | None,
    fleet_store_rate: float | None,
    up_rate: float | None,
    down_rate: float | None,
    seed_for: float,
    trace: Path | None,
    log_file: Path | None,
    *,
    as_json: bool,
) -> None:
    """Fetch a release to this host: from the store, and from other hosts that fetch or seed it, at once.

    Without @VERSION: the latest, which must not be older than one fetched to the same cache before. What the cache
    has is not moved again, so an update moves only what is new. An interrupted fetch goes on where it was when it is
    run again. Images appear under their names when they are complete and verified.

    When all images are complete the command ends; a process goes on giving to other hosts for --seed-for, and the
    command says how to stop it.

    \b
    Examples:
      python -m dcdist fetch web-demo --store swift://demos --trust publisher.pub \\
          --dest /images --cache /var/cache/dcdist
      python -m dcdist fetch web-demo@2 --store file:///mnt/demos --trust publisher.pub \\
          --dest /images --cache /var/cache/dcdist --prefer egress --store-rate 20MB --seed-for 1h
    """  # noqa: D301
    if no_swarm and no_store and not metadata_only:
        raise click.UsageError("--no-swarm and --no-store together leave nothing to fetch from")
    if no_swarm and fleet_store_rate is not None:
        raise click.UsageError("--fleet-store-rate needs the swarm, by which hosts count each other: take --store-rate")
    if no_swarm and peers:
        raise click.UsageError("--peer needs the swarm: leave --no-swarm away")
    request = FetchRequest(
        wanted=wanted,
        store=store,
        trust=tuple(str(path.absolute()) for path in trust),
        dest=str(dest.absolute()),
        cache=str(cache.absolute()),
        images=images,
        metadata_only=metadata_only,
        listen=show_address(listen) if listen else None,
        advertise=show_address(advertise) if advertise else None,
        peers=tuple(show_address(peer) for peer in peers),
        realm=realm,
        swarm=not no_swarm,
        draw=not no_store,
        prefer=prefer,
        order=order,
        store_rate=store_rate,
        fleet_store_rate=fleet_store_rate,
        up_rate=up_rate,
        down_rate=down_rate,
        seed_for=seed_for,
        trace=str(trace.absolute()) if trace else None,
        log_file=str(log_file.absolute()) if log_file else None,
    )
    with Child(request.encode()) as child:
        follow(child, as_json=as_json, log=lambda fault: _note_death(request, fault))


def _note_death(request: FetchRequest, fault: Fault) -> None:
    """The child could not write down its own end."""
    from dcdist.cli.event_log import EventLog

    log = EventLog(Path(request.log_file) if request.log_file else None, "fetch", request.wanted)
    log.note(fault.record())
    log.close()
