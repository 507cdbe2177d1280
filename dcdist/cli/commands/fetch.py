"""`dcdist fetch`: a release to this host, from the store and from other hosts at once."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from dcdist.cli.commands import shared_options
from dcdist.cli.commands.base_command import BaseCommand, reporting_options
from dcdist.cli.commands.variables import is_from_command_line, setting
from dcdist.cli.giving_up_root import SeedingUser, folder_of_heartbeats, seeding_user
from dcdist.cli.worker.follow import follow
from dcdist.cli.worker.handle import Child
from dcdist.cli.worker.surroundings import surroundings
from dcdist.engine.fetch_options import Order, Prefer
from dcdist.engine.flat_options import fetch_options
from dcdist.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from dcdist.cli.faults import Fault

_SEED_FOR = "10m"
_OF_THE_SWARM = {"listen", "advertise", "peers", "realm", "up_rate", "seed_for", "user"}
"""Options that say nothing of a host that fetches alone."""


@click.command("fetch", cls=BaseCommand, short_help="Fetch a release to this host.", epilog=shared_options.UNITS)
@click.argument("wanted", type=shared_options.WANTED, metavar="DEMO[@VERSION]")
@shared_options.STORE
@shared_options.TRUST
@shared_options.FOLLOWED_LINE
@setting(
    "--dest",
    required=True,
    type=shared_options.FOLDER,
    metavar="DIR",
    help="Folder for the images, under their published names; metadata files go to DIR/metadata. Created "
    "with mode 0700 if missing; who may read it may read what comes there.",
)
@shared_options.CACHE
@click.option(
    "--image", "images", multiple=True, metavar="NAME", help="Fetch only this image. May be repeated. [default: all]"
)
@click.option("--metadata-only", is_flag=True, help="Write the metadata files and end.")
@click.option(
    "--check",
    is_flag=True,
    help="Read images that are in place, and fetch those that differ anew. Without it, an image that nothing has "
    "happened to since its last check, by its size, times and inode, is not read again.",
)
@shared_options.LISTEN_OPTION
@shared_options.ADVERTISE
@shared_options.PEERS
@shared_options.REALM_OPTION
@click.option(
    "--no-swarm", "swarm", flag_value=False, default=None, help="Fetch from the store only, and give to nobody."
)
@click.option(
    "--no-store",
    "draw",
    flag_value=False,
    default=None,
    help="Fetch images from other hosts only; manifest and index still come from the store.",
)
@setting(
    "--prefer",
    type=click.Choice([each.value for each in Prefer]),
    default=Prefer.TIME.value,
    show_default=True,
    help="Optimise for this host's time or for store traffic.",
)
@click.option(
    "--order",
    type=click.Choice([each.value for each in Order]),
    default=Order.ANY.value,
    show_default=True,
    help="Order of fetching: best for all hosts (any), or front to back (stream).",
)
@shared_options.STORE_RATE
@shared_options.FLEET_STORE_RATE
@shared_options.UP_RATE
@shared_options.DOWN_RATE
@setting(
    "--seed-for",
    type=shared_options.DURATION,
    metavar="DURATION",
    help="How long to keep seeding in the background once the images are complete: 90s, 30m, 2h, 1d; 0 stops at once. "
    f"[default: {_SEED_FOR}]",
)
@shared_options.USER
@click.option(
    "--trace",
    type=shared_options.NEW_FILE,
    metavar="FILE",
    help="Record in FILE what the planner learns and decides, for the simulator.",
)
@shared_options.LOG_FILE
@reporting_options
def command(
    wanted: str, store: str, trust: tuple[Path, ...], *, as_json: bool, log_file: Path | None, **chosen: object
) -> None:
    """Fetch a release to this host, from the store and from other hosts that fetch or seed it, all at once.

    Without @VERSION this fetches the latest release, which must not be older than one fetched to the same cache
    before. What the cache has is not transferred again, so an update transfers only what is new. Run an interrupted
    fetch again to resume. Images appear under their names once complete and verified.

    DIR/.dcdist-release says which release is there and whether it is complete. What an earlier release brought and
    this one does not have is removed; files that dcdist did not bring stay.

    When all images are complete the command ends. A background process keeps seeding (--seed-for); the command says
    how to stop it.

    \b
    Examples:
      python -m dcdist fetch web-demo --store swift://demos --trust publisher.pub \\
          --dest /images --cache /var/cache/dcdist
      python -m dcdist fetch web-demo@2 --store file:///mnt/demos --trust publisher.pub \\
          --dest /images --cache /var/cache/dcdist --prefer egress --store-rate 20MB --seed-for 1h
    """  # noqa: D301
    from dcdist.node.key_files import read_key_file

    heeded = _heeded(shared_options.given(chosen))
    user = heeded.pop("user", None)
    options = fetch_options(**heeded)
    # Here, and not by the process that works: the files may be pipes, which it does not have.
    keys = [(path, read_key_file(path)) for path in trust]
    around = surroundings(os.getpid(), parent=os.getppid())
    becoming = SeedingUser()
    if options.swarm and options.seed_for:
        heartbeats = folder_of_heartbeats(store, wanted.partition("@")[0], options.reach.realm)
        becoming = seeding_user(user if isinstance(user, str) else None, cache=options.cache, heartbeats=heartbeats)

    def work() -> int:
        # Imported by the process that works only: asyncio and what else it needs take long.
        from dcdist.cli.worker.process import FetchTask, work_on

        return work_on(FetchTask(store, wanted, options, keys, log_file, around, becoming))

    with Child(work) as child:
        follow(child, as_json=as_json, stay=around.stay, log=lambda fault: _log_death(log_file, wanted, fault))


def _heeded(given: dict[str, object]) -> dict[str, object]:
    """What is given, less what has no effect.

    Raises:
        UsageError: The command line has an option that has none.
    """
    if "swarm" not in given:
        return {"seed_for": _SEED_FOR, **given}
    ctx = click.get_current_context()
    for option in ctx.command.params:
        name = option.name or ""
        # `--seed-for 0` says the same as `--no-swarm`.
        if name in _OF_THE_SWARM and given.get(name) and is_from_command_line(ctx, name):
            raise UsageError(f"{option.opts[0]} has no effect with --no-swarm: omit one of them")
    return {name: value for name, value in given.items() if name not in _OF_THE_SWARM}


def _log_death(log_file: Path | None, wanted: str, fault: Fault) -> None:
    """Log the end of a child that could not log it itself."""
    from dcdist.cli.event_log import EventLog

    log = EventLog(log_file, "fetch", wanted)
    log.note(fault.record())
    log.note({"event": "ended"})
    log.close()
