"""Manifests, signed by a trusted key as well as by nobody: what is read is safe to act on, and can be written again."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import msgpack

from dcdist.formats import envelope, manifest
from dcdist.formats.signature import PrivateKey
from dcdist.model.identity import is_hex_128
from dcdist.model.release import LayerEntry, MetadataFile
from tests.fuzz.objects import MADE, MAP, Form, wrapped
from tests.fuzz.recipes import Recipe, recipes
from tests.fuzz.target import REFUSALS, Target, require
from tests.support.format_objects import LAYER, NAUGHT, image, release, take_apart

if TYPE_CHECKING:
    from collections.abc import Callable

    from dcdist.model.release import Release

_KEY = PrivateKey(bytes(range(32)))
_IDENTITY = _KEY.public.identity
_RELEASE = release(
    images=[image("web.xva", 1 << 40)],
    layers=[LayerEntry(LAYER, 1524, NAUGHT)],
    metadata=[MetadataFile("a/b", b"content", executable=True)],
)
_FORM = Form(manifest.seal(_RELEASE, _KEY))
_BODY = take_apart(_FORM.valid).body
_PAYLOAD = _BODY["payload"] if isinstance(_BODY["payload"], bytes) else b""
_CONTENT = msgpack.unpackb(_PAYLOAD)
_UNSIGNED = bytes(64)
_STRAIGHT, _SIGNED, _AGAIN = 32, 64, 128


def run(data: bytes) -> None:
    """MAP is the payload here, and MADE changes to it; CHANGES are to the map with the signatures.

    Three bits more: whether the payload is read without the envelope around it, which takes half of the time; whether
    it is signed; and whether what was read is written again.
    """
    first, rest = data[0] if data else 0, data[1:]
    if first % 4 not in {MAP, MADE}:
        whole = _FORM.object_of(data)
        require(manifest.unpacked_size(whole) >= 0, "what an object unpacks to is known beforehand, or it is refused")
        _try(lambda: _check(manifest.read_unverified(whole)))
        return
    payload = rest if first % 4 == MAP else msgpack.packb(Recipe(rest).edited(_CONTENT))
    if first & _STRAIGHT:
        _try(lambda: _check(manifest._read(payload)))
    elif first & _SIGNED:
        _try(lambda: _check(manifest.open_signed(_sealed(payload, signed=True), [_KEY.public]).release))
    else:
        _try(lambda: _check(manifest.read_unverified(_sealed(payload, signed=False)), again=bool(first & _AGAIN)))


def _try(read: Callable[[], None]) -> None:
    try:
        read()
    except REFUSALS as error:
        require(len(str(error)) < 10_000, "a message is short")


def _sealed(payload: bytes, *, signed: bool) -> bytes:
    signature = _KEY.sign(b"dcdist manifest 1\0" + payload) if signed else _UNSIGNED
    body = {"payload": payload, "signatures": [{"key": _IDENTITY, "signature": signature}]}
    return wrapped("dcdist-manifest", msgpack.packb(body))


def _check(read: Release, *, again: bool = False) -> None:
    for name in (*(each.name for each in read.images), *(file.path for file in read.metadata)):
        parts = PurePosixPath("/dest", name).parts
        require(parts[:2] == ("/", "dest") and ".." not in parts and len(parts) > 2, "a name stays in the destination")
    require(all(is_hex_128(each.name) for each in read.layers), "a layer has a layer's name")
    if again:
        require(manifest.read_unverified(manifest.seal(read, _KEY)) == read, "what can be read can be written")


def seeds() -> list[bytes]:
    """The valid one in each form, and changes of each sort."""
    whole = [
        bytes([first + what]) + rest for first in (0, 32, 64, 128) for what, rest in ((MAP, _PAYLOAD), (MADE, b""))
    ]
    edits = [bytes([_STRAIGHT + MADE]) + recipe for recipe in recipes(_CONTENT)]
    return [*_FORM.seeds(), *whole, *edits]


TARGET = Target(
    "manifest",
    run,
    [
        manifest.open_sealed,
        manifest.open_signed,
        manifest.read_unverified,
        manifest.unpacked_size,
        envelope.decode,
        envelope.unpacked_size,
    ],
    seeds,
    max_length=800,
)
