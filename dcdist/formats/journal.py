"""A publish's journal, at `publishes/ID`: the process, the release, and what is in the store so far.

It is written before everything else and deleted after the manifest is written. It protects layers that no manifest
names yet from collection, and lets a publish that was killed resume where it stopped. Its publisher signs it together
with its ID: anybody may put a journal into a store, but only what the publisher itself wrote is resumed or cleaned up.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgpack

from dcdist.errors import FormatError, UsageError
from dcdist.formats import envelope, values
from dcdist.formats.fields import DIGEST_LENGTH, Fields
from dcdist.formats.signature import SIGNATURE_LENGTH
from dcdist.model.geometry import MIB
from dcdist.model.identity import Digest, LayerName, ReleaseName, is_hex_128

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dcdist.formats.signature import PrivateKey, PublicKey

JOURNAL_LIMIT: Final = 4 * MIB
"""The most bytes of a journal object, and of its map."""

_KIND: Final = envelope.Kind("dcdist-journal", 2, JOURNAL_LIMIT, count=20_000)
_DOMAIN: Final = b"dcdist journal 2\0"
_PAYLOAD_VALUES: Final = 20_000
_IDENTITY_LENGTH: Final = 16
_LAYERS_LIMIT: Final = 1_000
_REFERENCES_LIMIT: Final = 100_000
_SEGMENTS_LIMIT: Final = 10_000
_TEXT_LIMIT: Final = 255
_NUMBER_LIMIT: Final = (1 << 63) - 1
_NAME_BYTES: Final = 16
_MISSING: Final = bytes(DIGEST_LENGTH)
_WHAT: Final = "a publish journal"


@dataclass(frozen=True, slots=True)
class PublisherProcess:
    """A process: the name and boot id of its host, its number, and its start in the kernel's ticks since boot."""

    host: str
    boot: str
    pid: int
    started: int


@dataclass(frozen=True, slots=True)
class JournalLayer:
    """A layer that is being added: the SHA-256 of each segment in the store, None for one that is not there yet."""

    name: LayerName
    segments: tuple[Digest | None, ...]


@dataclass(frozen=True, slots=True)
class Journal:
    """One publish. `references` are the layers of other releases that it may refer to, in its order of preference."""

    release: ReleaseName
    owner: PublisherProcess
    layers: tuple[JournalLayer, ...]
    references: tuple[LayerName, ...]


def successor(publish: str) -> str:
    """The ID of the one publish that may resume `publish`: the process that creates its journal."""
    return hashlib.sha256(f"dcdist publish after {publish}".encode()).hexdigest()[:32]


def encode(journal: Journal, publish: str, key: PrivateKey) -> bytes:
    """The journal object of the publish with that ID, signed."""
    owner = journal.owner
    payload = msgpack.packb(
        {
            "demo": journal.release.demo,
            "version": journal.release.version,
            "host": owner.host,
            "boot": owner.boot,
            "pid": owner.pid,
            "started": owner.started,
            "layers": [
                {"name": layer.name, "segments": b"".join(digest or _MISSING for digest in layer.segments)}
                for layer in journal.layers
            ],
            "references": b"".join(bytes.fromhex(name) for name in journal.references),
        }
    )
    body = {"payload": payload, "key": key.public.identity, "signature": key.sign(_signed(publish, payload))}
    return envelope.encode(_KIND, body)


def is_signed(data: bytes, publish: str, key: PublicKey) -> bool:
    """Whether `key` signed this object as the journal of the publish with that ID. Its content is not looked at."""
    try:
        version, fields = envelope.decode_with_version(_KIND, data, what=_WHAT)
        if version == 1:
            return False
        payload, signature = _sealed(fields)
    except FormatError:
        return False
    return key.verify(_signed(publish, payload), signature)


def decode(data: bytes) -> Journal:
    """The journal, whoever signed it; those of version 1 nobody did.

    Raises:
        NewerFormatError: It is in a newer format.
        FormatError: It cannot be read.
    """
    version, fields = envelope.decode_with_version(_KIND, data, what=_WHAT)
    if version == 1:
        return _read(fields)
    payload, _ = _sealed(fields)
    try:
        return _read(Fields(values.read(payload, count=_PAYLOAD_VALUES), _WHAT))
    except FormatError as error:
        raise FormatError(f"{_WHAT} cannot be read: {error}") from error


def _signed(publish: str, payload: bytes) -> bytes:
    """What is signed: with the ID, so that a copy under another name is not the publisher's."""
    return _DOMAIN + publish.encode() + b"\0" + payload


def _sealed(fields: Fields) -> tuple[bytes, bytes]:
    """The payload and its signature."""
    fields.text("key", limit=_IDENTITY_LENGTH)
    return bytes(fields.data("payload", limit=JOURNAL_LIMIT)), fields.exactly("signature", SIGNATURE_LENGTH)


def _read(fields: Fields) -> Journal:
    try:
        release = ReleaseName(fields.text("demo", limit=_TEXT_LIMIT), fields.text("version", limit=_TEXT_LIMIT))
    except UsageError as error:
        raise fields.refuse(str(error)) from error
    owner = PublisherProcess(
        fields.text("host", limit=_TEXT_LIMIT),
        fields.text("boot", limit=_TEXT_LIMIT),
        fields.integer("pid", high=_NUMBER_LIMIT),
        fields.integer("started", high=_NUMBER_LIMIT),
    )
    layers = tuple(_layer(each) for each in fields.maps("layers", limit=_LAYERS_LIMIT))
    names = fields.data("references", limit=_REFERENCES_LIMIT * _NAME_BYTES)
    if len(names) % _NAME_BYTES:
        raise fields.refuse("'references' ends within a name")
    return Journal(release, owner, layers, tuple(LayerName(bytes(each).hex()) for each in _runs(names, _NAME_BYTES)))


def _layer(fields: Fields) -> JournalLayer:
    name = fields.text("name", limit=2 * _NAME_BYTES)
    digests = fields.data("segments", limit=_SEGMENTS_LIMIT * DIGEST_LENGTH)
    if not is_hex_128(name) or len(digests) % DIGEST_LENGTH:
        raise fields.refuse("a layer's name is invalid, or its segments end within a digest")
    segments = (Digest(bytes(each)) for each in _runs(digests, DIGEST_LENGTH))
    return JournalLayer(LayerName(name), tuple(None if each == _MISSING else each for each in segments))


def _runs(data: memoryview, length: int) -> Iterable[memoryview]:
    return (data[start : start + length] for start in range(0, len(data), length))
