"""A release's manifest, at `releases/DEMO/VERSION`: signed, and safe to act on once it is open.

Invariant: the names in a manifest stay inside the destination, and its counts within the limits below. The signature is
checked before the content is read.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgpack

from dcdist.errors import FormatError, SignatureError, UsageError
from dcdist.formats import envelope, names, values
from dcdist.formats.extents import IMAGE_LIMIT, LAYERS_LIMIT
from dcdist.formats.fields import Fields
from dcdist.formats.names import check_image_name, check_metadata_path
from dcdist.formats.signature import SIGNATURE_LENGTH
from dcdist.model.geometry import LAYER_LIMIT, MIB
from dcdist.model.identity import UNLINED, LayerName, LineId, ReleaseName, is_hex_128
from dcdist.model.release import Image, LayerEntry, MetadataFile, Release, SignedRelease

if TYPE_CHECKING:
    from collections.abc import Sequence
    from collections.abc import Set as AbstractSet

    from dcdist.formats.signature import PrivateKey, PublicKey

__all__ = [
    "IMAGES_LIMIT", "MANIFEST_LIMIT", "METADATA_BYTES_LIMIT", "METADATA_FILES_LIMIT", "REPLACES_LIMIT",
    "SERIAL_LIMIT", "SIGNATURES_LIMIT", "check_image_name", "check_metadata_path", "open_sealed", "open_signed",
    "read_unverified", "seal", "unpacked_size",
]  # fmt: skip

MANIFEST_LIMIT: Final = 16 * MIB
"""The most bytes of a manifest object, and of its map."""

IMAGES_LIMIT: Final = 10_000
"""The most images of a release."""

METADATA_FILES_LIMIT: Final = 1_000
"""The most metadata files of a release."""

METADATA_BYTES_LIMIT: Final = 4 * MIB
"""The most bytes of all metadata files of a release."""

SIGNATURES_LIMIT: Final = 8
"""The most signatures of one manifest."""

SERIAL_LIMIT: Final = (1 << 63) - 1
"""The highest serial."""

REPLACES_LIMIT: Final = 16
"""The most lines that one line replaces."""

_KIND: Final = envelope.Kind("dcdist-manifest", 1, MANIFEST_LIMIT)
_DOMAIN: Final = b"dcdist manifest 1\0"
_PAYLOAD_VALUES: Final = 250_000
_WORD_LIMIT: Final = 100
_IDENTITY_LENGTH: Final = 16
_IDENTITY: Final = re.compile("[0-9a-f]{16}")


def seal(release: Release, key: PrivateKey, *others: PrivateKey) -> bytes:
    """The manifest object of `release`, signed with each key (at most SIGNATURES_LIMIT).

    Raises:
        UsageError: The release is beyond a limit, or a name in it is invalid.
    """
    if fault := _fault(release):
        raise UsageError(f"release {release.name} cannot be published: {fault}")
    if len(others) >= SIGNATURES_LIMIT:
        raise UsageError(f"a manifest has at most {SIGNATURES_LIMIT} signatures, not {len(others) + 1}")
    payload = _write(release)
    signatures = [{"key": each.public.identity, "signature": each.sign(_DOMAIN + payload)} for each in (key, *others)]
    return envelope.encode(_KIND, {"payload": payload, "signatures": signatures})


def open_sealed(data: bytes, trusted: Sequence[PublicKey]) -> Release:
    """The release that a manifest object describes, if a trusted key signed it.

    The caller checks that `name` is the requested release: a store may answer with another signed one.

    Raises:
        SignatureError: No trusted key signed it.
        NewerFormatError: It is in a newer format.
        FormatError: It cannot be read, or is beyond a limit.
    """
    return open_signed(data, trusted).release


def open_signed(data: bytes, trusted: Sequence[PublicKey]) -> SignedRelease:
    """As `open_sealed`, with all the trusted keys that signed it.

    Raises:
        SignatureError: No trusted key signed it.
        NewerFormatError: It is in a newer format.
        FormatError: It cannot be read, or is beyond a limit.
    """
    payload, signatures = _unseal(data)
    known = {key.identity: key for key in trusted}
    named = signatures.keys() & known.keys()
    # One copy of what may be 16 MiB, whatever the number of signatures.
    signed = b"".join((_DOMAIN, payload)) if named else b""
    signers = frozenset(each for each in named if known[each].verify(signed, signatures[each]))
    if not signers:
        raise _unsigned(signatures.keys(), known.keys())
    return SignedRelease(_read(payload), signers)


def _unsigned(signatures: AbstractSet[str], known: AbstractSet[str]) -> SignatureError:
    """Why a manifest with `signatures`, of which no trusted key made one, is not believed."""
    if own := ", ".join(sorted(signatures & known)):
        return SignatureError(
            f"the manifest does not match the signature by the trusted key {own}: it is damaged or forged",
            damaged=True,
        )
    signers = ", ".join(sorted(signatures)) or "nobody"
    return SignatureError(
        f"no trusted key signed the manifest, which says that {signers} did; trusted: "
        f"{', '.join(sorted(known)) or 'no key'}"
    )


def read_unverified(data: bytes) -> Release:
    """The release that a manifest object describes, its signature unchecked: to list and show, never to fetch.

    Raises:
        NewerFormatError: It is in a newer format.
        FormatError: It cannot be read, or is beyond a limit.
    """
    payload, _ = _unseal(data)
    return _read(payload)


def unpacked_size(data: bytes) -> int:
    """The bytes that a manifest declares to unpack to, which cost time and memory before a signature is checked."""
    return envelope.unpacked_size(_KIND, data)


def _unseal(data: bytes) -> tuple[memoryview, dict[str, bytes]]:
    """The payload, a view of the unpacked body, and the signatures by the keys that they name: one a key counts."""
    fields = envelope.decode(_KIND, data, what="the manifest")
    signatures = {
        _identity(each): each.exactly("signature", SIGNATURE_LENGTH)
        for each in fields.maps("signatures", limit=SIGNATURES_LIMIT)
    }
    return fields.data("payload", limit=MANIFEST_LIMIT), signatures


def _identity(fields: Fields) -> str:
    """The id of a signer's key, which messages show though nobody has vouched for it."""
    identity = fields.text("key", limit=_IDENTITY_LENGTH)
    if not _IDENTITY.fullmatch(identity):
        raise fields.refuse("'key' is not 16 hex digits")
    return identity


def _write(release: Release) -> bytes:
    return msgpack.packb(
        {
            "demo": release.name.demo,
            "version": release.name.version,
            "serial": release.serial,
            "images": [
                {"name": image.name, "size": image.size, "sha256": image.digest, "extents": image.extents}
                for image in release.images
            ],
            "layers": [{"name": layer.name, "length": layer.length, "index": layer.index} for layer in release.layers],
            "metadata": [_metadata_fields(file) for file in release.metadata],
            # Left out by releases without one, so that their manifests have the bytes that they always had.
            **({"line": release.line} if release.line is not None else {}),
            **({"replaces": list(release.replaces)} if release.replaces else {}),
        }
    )


def _metadata_fields(file: MetadataFile) -> dict[str, object]:
    fields: dict[str, object] = {"path": file.path, "content": file.content}
    # Left out if it is false, so that such a manifest has the bytes that it always had.
    return {**fields, "executable": True} if file.executable else fields


def _read(payload: bytes | memoryview) -> Release:
    what = "the manifest"
    try:
        fields = Fields(values.read(payload, count=_PAYLOAD_VALUES), what)
        name = ReleaseName(fields.text("demo", limit=_WORD_LIMIT), fields.text("version", limit=_WORD_LIMIT))
    except (FormatError, UsageError) as error:
        raise FormatError(f"{what} cannot be read: {error}") from error
    release = Release(
        name,
        fields.integer("serial", high=SERIAL_LIMIT),
        tuple(_image(each) for each in fields.maps("images", limit=IMAGES_LIMIT)),
        tuple(_layer(each) for each in fields.maps("layers", limit=LAYERS_LIMIT)),
        tuple(_metadata(each) for each in fields.maps("metadata", limit=METADATA_FILES_LIMIT)),
        None if (line := fields.optional_text("line", limit=32)) is None else LineId(line),
        tuple(LineId(each) for each in fields.texts("replaces", count=REPLACES_LIMIT, limit=32)),
    )
    if fault := _fault(release):
        raise FormatError(f"the manifest of {name} is refused: {fault}")
    return release


def _image(fields: Fields) -> Image:
    return Image(
        fields.text("name", limit=names.NAME_LIMIT),
        fields.integer("size", high=IMAGE_LIMIT),
        fields.digest("sha256"),
        fields.digest("extents"),
    )


def _layer(fields: Fields) -> LayerEntry:
    name = fields.text("name", limit=32)
    return LayerEntry(LayerName(name), fields.integer("length", low=1, high=LAYER_LIMIT), fields.digest("index"))


def _metadata(fields: Fields) -> MetadataFile:
    path = fields.text("path", limit=names.PATH_LIMIT)
    content = bytes(fields.data("content", limit=METADATA_BYTES_LIMIT))
    return MetadataFile(path, content, fields.flag("executable"))


def _fault(release: Release) -> str | None:
    """Why no manifest may describe this release; None if one may. Writers and readers share these rules."""
    faults = (
        _count_fault(release),
        *(names.image_name_fault(image.name) for image in release.images),
        *(names.path_fault(file.path) for file in release.metadata),
        names.together_fault(image.name for image in release.images),
        names.together_fault(file.path for file in release.metadata),
        *(None if is_hex_128(layer.name) else f"layer name {layer.name!r}" for layer in release.layers),
        names.together_fault(layer.name for layer in release.layers),
        _line_fault(release),
    )
    return next(filter(None, faults), None)


def _line_fault(release: Release) -> str | None:
    if release.line is None:
        return "it replaces lines, but has none" if release.replaces else None
    if release.line == UNLINED:
        return f"line {UNLINED!r}, which stands for releases without one"
    lines = (release.line, *release.replaces)
    if bad := next((each for each in lines if not is_hex_128(each)), None):
        return f"line {bad!r}"
    return None if len(set(lines)) == len(lines) else "it names a line twice"


def _count_fault(release: Release) -> str | None:
    content = sum(len(file.content) for file in release.metadata)
    largest = max((image.size for image in release.images), default=0)
    checks = (
        (release.serial, SERIAL_LIMIT, "as its serial"),
        (len(release.images), IMAGES_LIMIT, "images"),
        (largest, IMAGE_LIMIT, "bytes in one image"),
        (len(release.layers), LAYERS_LIMIT, "layers"),
        (max((layer.length for layer in release.layers), default=1), LAYER_LIMIT, "bytes in one layer"),
        (len(release.metadata), METADATA_FILES_LIMIT, "metadata files"),
        (content, METADATA_BYTES_LIMIT, "bytes of metadata"),
        (len(release.replaces), REPLACES_LIMIT, "lines that it replaces"),
    )
    return next(
        (f"{number} {of_what}, the limit is {limit}" for number, limit, of_what in checks if number > limit), None
    )
