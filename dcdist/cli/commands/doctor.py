"""`dcdist doctor`: whether this host is ready for a fetch, and if not, what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from dcdist.cli.commands import shared_options
from dcdist.cli.commands.base_command import BaseCommand, reporting_options
from dcdist.cli.commands.variables import setting
from dcdist.errors import NotReadyError

if TYPE_CHECKING:
    from pathlib import Path

    from dcdist.checkup.findings.finding import Checkup
    from dcdist.model.identity import Address


@click.command("doctor", cls=BaseCommand, short_help="Examine whether this host is ready for a fetch.")
@shared_options.STORE
@shared_options.TRUST_TO_EXAMINE
@shared_options.LINE_TO_EXAMINE
@click.option(
    "--demo",
    type=shared_options.WANTED,
    metavar="DEMO[@VERSION]",
    help="Look only at the releases and hosts of this demo, or at one release, which needs no listing. [default: all "
    "demos]",
)
@setting("--cache", type=shared_options.UNSEEN_FOLDER, metavar="DIR", help="Folder for layers that a fetch would get.")
@setting("--dest", type=shared_options.UNSEEN_FOLDER, metavar="DIR", help="Folder for images that a fetch would get.")
@shared_options.LISTEN_OPTION
@shared_options.ADVERTISE
@shared_options.PEERS
@shared_options.REALM_OPTION
@reporting_options
def command(
    store: str,
    trust: tuple[Path, ...],
    demo: str | None,
    cache: Path | None,
    dest: Path | None,
    listen: Address | None,
    *,
    as_json: bool,
    **reach: object,
) -> None:
    """Examine what this host can do for a fetch and what it cannot; give the options that the fetch would get.

    A line for each check says how it ended and what to do: sign-in, listing, reading and writing, clock, certificate,
    proxies, releases, the address that others see, whether other hosts answer, room and speed of the folders. Nothing
    is fetched, and what is written to try it is removed. Takes half a minute at most. Ends with code 0 only if a fetch
    would trade, else with 10.

    \b
    Example:
      python -m dcdist doctor --store swift://demos --trust publisher.pub \\
          --dest /images --cache /var/cache/dcdist
    """  # noqa: D301
    from dcdist.checkup.checkup_request import CheckupRequest
    from dcdist.checkup.examination import examine
    from dcdist.checkup.findings.finding import FindingState
    from dcdist.cli.display.checkup_display import CheckupDisplay
    from dcdist.cli.hanging_threads import let_threads_hang
    from dcdist.cli.running import run_until_done
    from dcdist.engine.fetch_options import Reach
    from dcdist.node.key_files import read_public_key

    keys = tuple(read_public_key(path) for path in trust)
    line = reach.pop("line")
    where = Reach(listen=listen, **reach)  # type: ignore[arg-type]  # click has checked them
    name, _, version = (demo or "").partition("@")
    request = CheckupRequest(
        store,
        trust=keys,
        demo=name or None,
        version=version or None,
        line=line,  # type: ignore[arg-type]  # click has checked it
        cache=cache,
        dest=dest,
        reach=where,
    )
    display = CheckupDisplay(as_json=as_json)

    async def run() -> Checkup:
        let_threads_hang()
        return await examine(request, report=display.report)

    checkup = run_until_done(run())
    display.finish(checkup)
    if not checkup.ready:
        failed = checkup.with_state(FindingState.FAILED)
        names = ", ".join(finding.check for finding in failed)
        raise NotReadyError(f"this host is not ready for a fetch that trades; {len(failed)} check(s) failed: {names}")
