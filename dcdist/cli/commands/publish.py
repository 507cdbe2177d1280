"""`dcdist publish`: files to a release in a store."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack

import click

from dcdist.cli.commands import shared_options
from dcdist.cli.commands.base_command import BaseCommand, reporting_options
from dcdist.cli.commands.variables import setting
from dcdist.errors import UsageError
from dcdist.formats.compression import DEFAULT_LEVEL

if TYPE_CHECKING:
    from dcdist.model.identity import LineId, ReleaseName
    from dcdist.publishing import ImageSource, PublishEvent, PublishRequest

_STANDARD_INPUT = "-"


class Settings(TypedDict):
    """The options that say how to publish."""

    metadata: Path | None
    level: int
    allow_empty: bool
    other_signer: bool
    trust: tuple[Path, ...]
    line: LineId | None
    new_line: bool
    replaces: tuple[LineId, ...]


@click.command("publish", cls=BaseCommand, short_help="Publish files as the images of a release.")
@click.argument("release", type=shared_options.RELEASE, metavar="DEMO@VERSION")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@shared_options.STORE
@setting(
    "--key",
    required=True,
    type=shared_options.READABLE,
    metavar="FILE",
    help="The publisher's private key (publisher.key).",
)
@click.option(
    "--metadata",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="A folder of small files that come with the images, at most 4 MiB together.",
)
@click.option(
    "--level",
    type=click.IntRange(1, 22),
    default=DEFAULT_LEVEL,
    show_default=True,
    metavar="N",
    help="zstd's level, 1 (fast) to 22 (small). Level 9 takes about 14 CPU seconds a GiB, level 19 about 200.",
)
@click.option(
    "--other-signer",
    is_flag=True,
    help="Publish although the demo has releases and neither this key nor one of --trust signed any. Hosts must trust "
    "this key, or they pass over what it signs.",
)
@shared_options.TRUST_TO_CONTINUE
@setting(
    "--line",
    type=shared_options.LINE,
    metavar="ID",
    help="Go on with this line, where the store has releases of several.",
)
@click.option(
    "--new-line",
    is_flag=True,
    help="Begin a new line, with serial 1, that replaces the demo's lines: hosts that follow one of these follow it, "
    "whatever serials they have seen. The way back after a serial that no other can follow, or a stolen key.",
)
@click.option(
    "--replaces",
    multiple=True,
    type=shared_options.LINE,
    metavar="ID",
    help="A line whose hosts are to follow this one from now on, such as that of a lost store. May be repeated.",
)
@click.option(
    "--stdin-name", metavar="NAME", help="The name of the image read from standard input. [default: DEMO.xva]"
)
@click.option("--allow-empty", is_flag=True, help="Publish empty files and pipes too, which are refused otherwise.")
@shared_options.LOG_FILE
@reporting_options
def command(
    release: ReleaseName,
    files: tuple[str, ...],
    store: str,
    key: Path,
    stdin_name: str | None,
    *,
    as_json: bool,
    log_file: Path | None,
    **settings: Unpack[Settings],
) -> None:
    """Publish files as the images of a release, in start order.

    XVA images (also in gzip or zstd) are verified by their own checksums, and only what the store lacks is uploaded.
    The release becomes visible at the very end, whole. An interrupted publish leaves nothing visible; run it again and
    it uploads only what is missing. A release never changes: the same files again succeed, others are refused. FILE
    may be -, which reads an image from standard input.

    \b
    Examples:
      python -m dcdist publish web-demo@2 web.xva db.xva --store swift://demos --key keys/publisher.key
      xe vm-export vm=web filename= | python -m dcdist publish web-demo@2 - --stdin-name web.xva \\
          --store swift://demos --key keys/publisher.key
    """  # noqa: D301
    from dcdist.cli.display.publish_display import publish_display, published_record
    from dcdist.cli.display.records import record
    from dcdist.cli.event_log import logging_events
    from dcdist.cli.running import run_until_done
    from dcdist.node.key_files import exposed_key
    from dcdist.node.stores import open_store
    from dcdist.publishing import Published, publish

    if stdin_name is not None and _STANDARD_INPUT not in files:
        raise UsageError("--stdin-name names what is read from standard input: give - as a file, or omit --stdin-name")
    sources = tuple(_source(file, stdin_name or f"{release.demo}.xva", files) for file in files)
    request = _request(release, sources, key, settings)

    def report(event: PublishEvent) -> None:
        log.note(record(event))
        display.report(event)

    async def run() -> Published:
        if (exposed := exposed_key(key)) is not None:
            report(exposed)
        async with open_store(store, report=report) as opened:
            log.note({"event": "started", "store": str(opened), "images": [source.name for source in sources]})
            return await publish(opened, request, report=report)

    with logging_events(log_file, "publish", str(release)) as log, publish_display(as_json=as_json) as display:
        published = run_until_done(run())
        log.note(published_record(published))
        display.finish(published)


def _request(release: ReleaseName, sources: tuple[ImageSource, ...], key: Path, settings: Settings) -> PublishRequest:
    from dcdist.node.key_files import read_private_key, read_public_key
    from dcdist.publishing import LineChoice, PublishRequest

    return PublishRequest(
        release,
        sources,
        read_private_key(key),
        metadata=settings["metadata"],
        level=settings["level"],
        trusted=tuple(read_public_key(file) for file in settings["trust"]),
        allow_empty=settings["allow_empty"],
        other_signer=settings["other_signer"],
        lines=LineChoice(settings["line"], settings["new_line"], settings["replaces"]),
    )


def _source(file: str, stdin_name: str, files: tuple[str, ...]) -> ImageSource:
    import sys

    from dcdist.publishing import ImageSource

    if file != _STANDARD_INPUT:
        return ImageSource.of(Path(file))
    if files.count(_STANDARD_INPUT) > 1:
        raise UsageError("standard input (-) can be published only once")
    if sys.stdin is None:
        raise UsageError("standard input (-) is closed: pipe an image in, as `xe vm-export vm=web filename= | ...`")
    if sys.stdin.isatty():
        raise UsageError("standard input (-) is a terminal: pipe an image in, as `xe vm-export vm=web filename= | ...`")
    return ImageSource(stdin_name, stream=sys.stdin.buffer)
