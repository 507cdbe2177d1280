"""dcdist brings VM images from object storage to many hosts at once, which also give to each other.

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

Bytes are counted as bytes, times in seconds, rates in bytes a second. All that is raised on purpose is a
`DcdistError`, from the tree in `dcdist.errors`. Names are imported when they are first used.
"""

from __future__ import annotations

from importlib import import_module as _import_module
from typing import TYPE_CHECKING as _TYPE_CHECKING

if _TYPE_CHECKING:
    from dcdist import errors
    from dcdist.catalog.description import describe, list_releases
    from dcdist.catalog.find import find_release
    from dcdist.engine import fetch_events
    from dcdist.engine.fetch_events import Fetched, FetchEvent
    from dcdist.engine.options import Order, Prefer
    from dcdist.errors import DcdistError
    from dcdist.formats.signature import PrivateKey, PublicKey
    from dcdist.model.identity import ReleaseName
    from dcdist.model.release import Image, LayerEntry, MetadataFile, Release
    from dcdist.node.event_stream import fetching
    from dcdist.node.fetch_options import FetchOptions, SeedOptions
    from dcdist.node.fetch_run import fetch, seed
    from dcdist.node.key_files import generate_keys, read_private_key, read_public_key
    from dcdist.node.stores import open_store
    from dcdist.node.synchronous import fetch_release, publish_release
    from dcdist.node.verification import verify
    from dcdist.ports.store import Store
    from dcdist.publishing import ImageSource, Published, PublishEvent, PublishRequest, publish, publish_events

__version__ = "0.1.0"

__all__ = [
    "DcdistError", "FetchEvent", "FetchOptions", "Fetched", "Image", "ImageSource", "LayerEntry", "MetadataFile",
    "Order", "Prefer", "PrivateKey", "PublicKey", "PublishEvent", "PublishRequest", "Published", "Release",
    "ReleaseName", "SeedOptions", "Store", "__version__", "describe", "errors", "fetch", "fetch_events",
    "fetch_release", "fetching", "find_release", "generate_keys", "list_releases", "open_store", "publish",
    "publish_events", "publish_release", "read_private_key", "read_public_key", "seed", "verify",
]  # fmt: skip

_MODULES = {
    "dcdist.engine.fetch_events": ("FetchEvent", "Fetched"),
    "dcdist.engine.options": ("Order", "Prefer"),
    "dcdist.errors": ("DcdistError",),
    "dcdist.formats.signature": ("PrivateKey", "PublicKey"),
    "dcdist.model.identity": ("ReleaseName",),
    "dcdist.model.release": ("Image", "LayerEntry", "MetadataFile", "Release"),
    "dcdist.node.fetch_run": ("fetch", "seed"),
    "dcdist.node.event_stream": ("fetching",),
    "dcdist.node.key_files": ("generate_keys", "read_private_key", "read_public_key"),
    "dcdist.node.fetch_options": ("FetchOptions", "SeedOptions"),
    "dcdist.catalog.description": ("describe", "list_releases"),
    "dcdist.catalog.find": ("find_release",),
    "dcdist.node.stores": ("open_store",),
    "dcdist.node.synchronous": ("fetch_release", "publish_release"),
    "dcdist.node.verification": ("verify",),
    "dcdist.ports.store": ("Store",),
    "dcdist.publishing": (
        "ImageSource", "PublishEvent", "PublishRequest", "Published", "publish",
    ),
}  # fmt: skip
_PLACES = {name: module for module, names in _MODULES.items() for name in names}
_WHOLE_MODULES = {
    "errors": "dcdist.errors",
    "fetch_events": "dcdist.engine.fetch_events",
    "publish_events": "dcdist.publishing.publish_events",
}


def __getattr__(name: str) -> object:
    # `import dcdist` costs nothing: the command line and scripts import only what they use.
    if name in _WHOLE_MODULES:
        return _import_module(_WHOLE_MODULES[name])
    if name in _PLACES:
        return getattr(_import_module(_PLACES[name]), name)
    raise AttributeError(f"module 'dcdist' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
