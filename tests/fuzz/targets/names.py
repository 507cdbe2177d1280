"""Names: of releases in listings, and of what a manifest may write into a folder."""

from __future__ import annotations

import contextlib

from dcdist.errors import UsageError
from dcdist.formats import names, object_names
from dcdist.model.identity import ReleaseName
from dcdist.store.object_keys import is_key
from tests.fuzz.target import Target, require


def run(data: bytes) -> None:
    """The first byte: whether `releases/` or `swarm/` comes before the rest, and its encoding."""
    first, rest = data[0] if data else 0, data[1:]
    text = rest.decode("utf-8", "surrogateescape" if first & 2 else "replace")
    key = f"swarm/{text}" if first & 4 else f"releases/{text}" if first & 1 else text
    found = object_names.parse_heartbeat(key)
    require(found is None or object_names.swarm_prefix(*found[:2]) + found[2] == key, "a heartbeat is in one swarm")
    name = object_names.parse_release(key)
    require(name is None or (object_names.release(name) == key and is_key(key)), "there is one key of a release")
    with contextlib.suppress(UsageError):
        require(str(ReleaseName.parse(text)) == text, "there is one spelling of a release")
    if names.image_name_fault(text) is None:
        require("/" not in text and text not in {"", ".", "..", "metadata"}, "an image stands beside the others")
        require(len(text.encode()) <= 240, "an image's name is one of a file")
    if names.path_fault(text) is None:
        require(not {"", ".", ".."} & set(text.split("/")) and "\0" not in text, "a path stays in its folder")
    paths = text.split("\n")
    if names.together_fault(paths) is None:
        require(len(set(paths)) == len(paths), "no path stands twice")
        folders = {path[:at] for path in paths for at in range(len(path)) if path[at] == "/"}
        require(not folders & set(paths), "no path is a folder too")


def seeds() -> list[bytes]:
    """Names, valid and not."""
    texts = [
        "web-demo/3", "web-demo@3", "a/b/c", "../x", ".x", "a//b", "a\\b", "metadata", "x" * 241, "a\nb\na/c", "a\n\n",
        "\xe9", "\u202e", "a@b@c", "@", "a/" * 17, "a/b\na", ("y" * 200 + "/") * 6 + "z",
    ]  # fmt: skip
    return [bytes([first]) + text.encode() for text in texts for first in (0, 1, 2, 4)] + [b"\x02\xff"]


TARGET = Target(
    "names",
    run,
    [
        object_names.parse_release,
        object_names.parse_heartbeat,
        names.image_name_fault,
        names.path_fault,
        names.together_fault,
        ReleaseName.parse,
    ],
    seeds,
    max_length=1400,
)
