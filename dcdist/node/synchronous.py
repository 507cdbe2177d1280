"""Plain calls for build scripts: each runs an event loop of its own and returns when all is done.

They are for programs without an event loop; within one, use the asynchronous calls.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack

from dcdist.engine.fetch_options import require_fetch_options
from dcdist.engine.flat_options import fetch_options
from dcdist.engine.option_values import checked, checked_path
from dcdist.errors import UsageError
from dcdist.formats.compression import DEFAULT_LEVEL
from dcdist.formats.signature import PublicKey
from dcdist.model.identity import ReleaseName, require_line
from dcdist.node.key_files import exposed_key, read_private_key, read_public_key
from dcdist.node.resolve import fetch_by_name
from dcdist.node.stores import open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dcdist.engine.fetch_events import Fetched, FetchEvent
    from dcdist.engine.fetch_options import FetchOptions
    from dcdist.model.identity import LineId
    from dcdist.publishing import LineChoice
    from dcdist.publishing.publish_events import Published, PublishEvent

Trust = str | Path | PublicKey
"""A public key, or the file that holds one."""


def fetch_release(
    store: str,
    release: str,
    *,
    trust: Trust | Sequence[Trust],
    on_event: Callable[[FetchEvent], None] | None = None,
    options: FetchOptions | None = None,
    **flat: object,
) -> Fetched:
    """Fetch a release to this host, and return when all its images are in place.

    Args:
        store: The store's URL, as `open_store` takes it.
        release: `DEMO@VERSION`, or `DEMO` for the latest, which must not be older than one that came to the cache
            before.
        trust: Public keys, or files that hold them; one of these keys must have signed the release.
        on_event: Called with each event, in order; must return soon, for the fetch waits.
        options: Where the release goes and how it comes.
        flat: Single options instead of `options`: `dest` and `cache`, which are required, and any other field of
            `FetchOptions`, of its `Reach` (`listen`, ...) and of its `Rates` (as `store_rate`, ...). Values may be
            written as on the command line: `store_rate="20MB"`, `seed_for="10m"`, `listen="10.0.0.5:6881"`.

    With `seed_for` the call returns when the seeding is over.

    Returns:
        Seconds taken, bytes by source (`bytes.store`, `.peers`, `.reused`, `.wasted`, `.images`), and hosts met.

    Raises:
        UsageError: An option is unknown, missing or invalid, `options` were given too, or an event loop runs here.
        DcdistError: See `dcdist.errors`; what was fetched is kept, and a later call goes on from there.
        KeyboardInterrupt: Ctrl-C; what was fetched is kept.
    """
    _require_no_loop("fetch_release", "await `dcdist.fetch`, or read the events of `dcdist.fetching`")
    _require_text(store=store, release=release)
    if options is not None and flat:
        raise UsageError(f"give either `options` or single options, not both: {', '.join(sorted(flat))}")
    asked = fetch_options(**flat) if options is None else options
    require_fetch_options(asked)
    keys = _trusted(trust)
    report = on_event or _ignore

    async def run() -> Fetched:
        async with open_store(store, report=report) as opened:
            return await fetch_by_name(opened, release, asked, trust=keys, report=report)

    return asyncio.run(run())


class PublishSettings(TypedDict, total=False):
    """Single options of a publish; see `PublishRequest` and `LineChoice`."""

    allow_empty: bool
    other_signer: bool
    trust: Trust | Sequence[Trust]
    line: str
    new_line: bool
    replaces: str | Sequence[str]


def publish_release(
    store: str,
    release: str,
    files: str | Path | Sequence[str | Path],
    *,
    key: str | Path,
    metadata: str | Path | None = None,
    level: int = DEFAULT_LEVEL,
    on_event: Callable[[PublishEvent], None] | None = None,
    **settings: Unpack[PublishSettings],
) -> Published:
    """Publish files as the images of a release, in start order.

    Args:
        store: The store's URL, as `open_store` takes it.
        release: `DEMO@VERSION`.
        files: The images, or a single one; each is published under its file name.
        key: The file with the publisher's private key.
        metadata: A folder of small files that come with the images.
        level: zstd's level, 1 to 22.
        on_event: Called with each event, in order; must return soon.
        settings: `allow_empty=True`: publish empty files too. `trust`: public keys of other publishers, or their files,
            whose releases this one continues. `other_signer=True`: publish although the demo has releases, and none
            is signed by these keys. `line`: the line to go on with, where there are several. `new_line=True`: begin a
            line that replaces the demo's lines. `replaces`: further lines that it replaces.

    Returns:
        The release, and how many bytes of it were new, reused and uploaded.

    Raises:
        UsageError: An argument is invalid, an event loop runs here, only other keys signed the demo's releases, or no
            serial or line follows from them.
        ReleaseExistsError: The release exists with other content.
        XvaError: An image is a damaged XVA; nothing was published.
        InputChangedError: A file changed while it was read; nothing was published.
        DcdistError: See `dcdist.errors`.
    """
    _require_no_loop("publish_release", "await `dcdist.publish`")
    _require_text(store=store, release=release)
    # Imported here: those who only fetch need no publishing.
    from dcdist.publishing import ImageSource, PublishRequest, publish

    lines = _line_choice(settings)
    key_file = checked_path(key, name="key")
    request = PublishRequest(
        ReleaseName.parse(release),
        tuple(ImageSource.of(checked_path(file, name="files")) for file in _several(files, name="files")),
        read_private_key(key_file),
        metadata=None if metadata is None else checked_path(metadata, name="metadata"),
        level=level,
        trusted=_trusted(settings["trust"]) if "trust" in settings else (),
        allow_empty=_flag(settings.get("allow_empty", False), name="allow_empty"),
        other_signer=_flag(settings.get("other_signer", False), name="other_signer"),
        lines=lines,
    )

    report = on_event or _ignore
    if (exposed := exposed_key(key_file)) is not None:
        report(exposed)

    async def run() -> Published:
        async with open_store(store, report=report) as opened:
            return await publish(opened, request, report=report)

    return asyncio.run(run())


def _require_no_loop(name: str, instead: str) -> None:
    """Refuse a plain call where an event loop runs: it would have to wait within it."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise UsageError(f"{name} runs an event loop of its own, and one runs already in this thread: {instead}")


def _require_text(**arguments: object) -> None:
    for name, value in arguments.items():
        checked(str, value, name=name)


def _trusted(trust: Trust | Sequence[Trust]) -> tuple[PublicKey, ...]:
    return tuple(
        each if isinstance(each, PublicKey) else read_public_key(checked_path(each, name="trust"))
        for each in _several(trust, name="trust")
    )


def _line_choice(settings: PublishSettings) -> LineChoice:
    from dcdist.publishing import LineChoice

    if unknown := sorted(settings.keys() - PublishSettings.__annotations__.keys()):
        known = ", ".join(sorted(PublishSettings.__annotations__))
        raise UsageError(f"publish_release has no option {', '.join(unknown)}; there are {known}")
    line = settings.get("line")
    replaces = _several(settings["replaces"], name="replaces") if "replaces" in settings else ()
    return LineChoice(
        None if line is None else _line(line, name="line"),
        _flag(settings.get("new_line", False), name="new_line"),
        tuple(_line(each, name="replaces") for each in replaces),
    )


def _flag(given: object, *, name: str) -> bool:
    return checked(bool, given, name=name) is True


def _line(given: object, *, name: str) -> LineId:
    return require_line(str(checked(str, given, name=name)))


def _several(given: object, *, name: str) -> tuple[object, ...]:
    """What is given one by one or as a list, at least one."""
    if not isinstance(given, Iterable) or isinstance(given, str):
        return (given,)
    if not (several := tuple(given)):
        raise UsageError(f"{name}={given!r} is empty: give at least one")
    return several


def _ignore(_event: object) -> None:
    """Nobody watches."""
