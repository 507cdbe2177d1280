"""dcdist brings VM images from object storage to many hosts at once; the hosts also give to each other.

For build scripts, which have no event loop:

    import dcdist

    fetched = dcdist.fetch_release(
        "swift://demos", "web-demo@2", trust="publisher.pub", dest="/images", cache="/var/cache/dcdist"
    )
    print(fetched.seconds, fetched.bytes.store, fetched.bytes.peers)

For asynchronous programs:

    async with dcdist.open_store("swift://demos") as store:
        release = await dcdist.find_release(store, "web-demo", trust=[dcdist.read_public_key(path)])
        options = dcdist.FetchOptions(dest=Path("/images"), cache=Path("/var/cache/dcdist"))
        async with dcdist.fetching(store, release, options) as events:
            async for event in events:
                match event:
                    case dcdist.fetch_events.Progress():
                        print(event.layer_bytes, event.layer_total, event.seconds_left)

Sizes are in bytes, times in seconds, rates in bytes a second. Everything raised on purpose is a `DcdistError`, from the
tree in `dcdist.errors`. Names are imported when they are first used.
"""

from __future__ import annotations

from importlib import import_module as _import_module
from typing import TYPE_CHECKING as _TYPE_CHECKING

if _TYPE_CHECKING:
    from dcdist import errors as errors
    from dcdist.catalog.description import describe as describe
    from dcdist.catalog.description import list_releases as list_releases
    from dcdist.catalog.find import find_release as find_release
    from dcdist.checkup.checkup_request import CheckupRequest as CheckupRequest
    from dcdist.checkup.examination import examine as examine
    from dcdist.checkup.findings.finding import Checkup as Checkup
    from dcdist.checkup.findings.finding import Finding as Finding
    from dcdist.checkup.findings.finding import FindingState as FindingState
    from dcdist.engine import fetch_events as fetch_events
    from dcdist.engine.fetch_events import Fetched as Fetched
    from dcdist.engine.fetch_events import FetchEvent as FetchEvent
    from dcdist.engine.fetch_options import FetchOptions as FetchOptions
    from dcdist.engine.fetch_options import Order as Order
    from dcdist.engine.fetch_options import Prefer as Prefer
    from dcdist.engine.fetch_options import Rates as Rates
    from dcdist.engine.fetch_options import Reach as Reach
    from dcdist.errors import DcdistError as DcdistError
    from dcdist.formats.signature import PrivateKey as PrivateKey
    from dcdist.formats.signature import PublicKey as PublicKey
    from dcdist.model.identity import ReleaseName as ReleaseName
    from dcdist.model.release import Image as Image
    from dcdist.model.release import LayerEntry as LayerEntry
    from dcdist.model.release import MetadataFile as MetadataFile
    from dcdist.model.release import Release as Release
    from dcdist.node.event_stream import fetching as fetching
    from dcdist.node.fetch_run import fetch as fetch
    from dcdist.node.fetch_run import seed as seed
    from dcdist.node.key_files import generate_keys as generate_keys
    from dcdist.node.key_files import read_private_key as read_private_key
    from dcdist.node.key_files import read_public_key as read_public_key
    from dcdist.node.stores import open_store as open_store
    from dcdist.node.synchronous import fetch_release as fetch_release
    from dcdist.node.synchronous import publish_release as publish_release
    from dcdist.node.verification import verify as verify
    from dcdist.ports.store import Store as Store
    from dcdist.publishing import ImageSource as ImageSource
    from dcdist.publishing import LineChoice as LineChoice
    from dcdist.publishing import Published as Published
    from dcdist.publishing import PublishEvent as PublishEvent
    from dcdist.publishing import PublishRequest as PublishRequest
    from dcdist.publishing import publish as publish
    from dcdist.publishing import publish_events as publish_events

__version__ = "0.1.0"

_MODULES = {
    "dcdist.catalog.description": ("describe", "list_releases"),
    "dcdist.catalog.find": ("find_release",),
    "dcdist.checkup.checkup_request": ("CheckupRequest",),
    "dcdist.checkup.examination": ("examine",),
    "dcdist.checkup.findings.finding": ("Checkup", "Finding", "FindingState"),
    "dcdist.engine.fetch_events": ("FetchEvent", "Fetched"),
    "dcdist.engine.fetch_options": ("FetchOptions", "Order", "Prefer", "Rates", "Reach"),
    "dcdist.errors": ("DcdistError",),
    "dcdist.formats.signature": ("PrivateKey", "PublicKey"),
    "dcdist.model.identity": ("ReleaseName",),
    "dcdist.model.release": ("Image", "LayerEntry", "MetadataFile", "Release"),
    "dcdist.node.event_stream": ("fetching",),
    "dcdist.node.fetch_run": ("fetch", "seed"),
    "dcdist.node.key_files": ("generate_keys", "read_private_key", "read_public_key"),
    "dcdist.node.stores": ("open_store",),
    "dcdist.node.synchronous": ("fetch_release", "publish_release"),
    "dcdist.node.verification": ("verify",),
    "dcdist.ports.store": ("Store",),
    "dcdist.publishing": ("ImageSource", "LineChoice", "PublishEvent", "PublishRequest", "Published", "publish"),
}
_PLACES = {name: module for module, names in _MODULES.items() for name in names}
_WHOLE_MODULES = {
    "errors": "dcdist.errors",
    "fetch_events": "dcdist.engine.fetch_events",
    "publish_events": "dcdist.publishing.publish_events",
}

__all__ = sorted(["__version__", *_PLACES, *_WHOLE_MODULES])


def __getattr__(name: str) -> object:
    # `import dcdist` costs nothing: the command line and scripts import only what they use.
    if name in _WHOLE_MODULES:
        return _import_module(_WHOLE_MODULES[name])
    if name in _PLACES:
        return getattr(_import_module(_PLACES[name]), name)
    raise AttributeError(f"module 'dcdist' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
