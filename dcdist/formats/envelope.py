"""The outer form of all objects but segments: the kind, the format version and a compressed map.

It is a msgpack array of three: the kind as text, the version, and a zstd frame of a msgpack map. It stays the same in
all future versions, so that an old reader can always name the version that it would need.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgpack

from dcdist.errors import FormatError, IntegrityError, NewerFormatError
from dcdist.formats import compression, values
from dcdist.formats.fields import Fields
from dcdist.model.identity import Digest

if TYPE_CHECKING:
    from collections.abc import Mapping

_LEVEL: Final = 9
_OUTER_VALUES: Final = 16
_VERSION_LIMIT: Final = 1 << 32


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of object. `version` is the newest known.

    `limit` is the most bytes of the object, and of its unpacked map; `count` is the most values in it, keys included.
    """

    name: str
    version: int
    limit: int
    count: int = 200


def encode(kind: Kind, body: Mapping[str, object]) -> bytes:
    """An object of the kind's newest version. `body` holds texts, integers, bytes, and arrays and maps of these."""
    packed = compression.compressor(_LEVEL).compress(msgpack.packb(body))
    return msgpack.packb([kind.name, kind.version, packed])


def decode(kind: Kind, data: bytes, *, what: str) -> Fields:
    """The map of an object; `what` names the object in messages.

    Raises:
        NewerFormatError: Its version is newer.
        FormatError: It is of another kind, damaged, or beyond the kind's limits.
    """
    return decode_with_version(kind, data, what=what)[1]


def decode_with_version(kind: Kind, data: bytes, *, what: str) -> tuple[int, Fields]:
    """As `decode`, and the object's format version: for a kind of which an earlier version is still read.

    Raises:
        NewerFormatError: Its version is newer.
        FormatError: It is of another kind, damaged, or beyond the kind's limits.
    """
    try:
        version, body = _body(kind, data, what)
        return version, Fields(body, what)
    except NewerFormatError:
        raise
    except FormatError as error:
        raise FormatError(f"{what} cannot be read: {error}") from error


def unpacked_size(kind: Kind, data: bytes) -> int:
    """The bytes that the body of an object declares to have, at no cost; 0 if `decode` refuses it before it unpacks.

    Whoever made it says so: it may be more than the kind's limit.
    """
    try:
        return compression.declared_size(_packed(kind, data, "it")[1])
    except FormatError:
        return 0


def digest(data: bytes) -> Digest:
    """The SHA-256 by which other objects refer to this one."""
    return Digest(hashlib.sha256(data).digest())


def require_digest(data: bytes, expected: Digest, *, what: str, source: str) -> None:
    """Check an object before it is decoded; `source` is the object's name.

    Raises:
        IntegrityError: Its SHA-256 is not `expected`.
    """
    if digest(data) != expected:
        raise IntegrityError(f"{what} is not the expected one: its SHA-256 differs", source=source)


def _body(kind: Kind, data: bytes, what: str) -> tuple[int, values.Value]:
    version, packed = _packed(kind, data, what)
    body = compression.unpack(compression.decompressor(), packed, high=kind.limit)
    return version, values.read(body, count=kind.count)


def _packed(kind: Kind, data: bytes, what: str) -> tuple[int, memoryview]:
    if len(data) > kind.limit:
        raise FormatError(f"it has {len(data)} bytes, the limit is {kind.limit}")
    outer = values.read(data, count=_OUTER_VALUES)
    if not isinstance(outer, list) or len(outer) < 2 or outer[0] != kind.name:
        raise FormatError(f"it is not a {kind.name} object")
    version = outer[1]
    if not isinstance(version, int) or isinstance(version, bool) or not 1 <= version < _VERSION_LIMIT:
        raise FormatError("it has no format version")
    if version > kind.version:
        raise NewerFormatError(
            f"{what} cannot be read: it has format version {version}, and this dcdist reads versions up to "
            f"{kind.version}; upgrade dcdist",
            needed=version,
        )
    if len(outer) != 3 or not isinstance(outer[2], memoryview):
        raise FormatError("it has no body")
    return version, outer[2]
