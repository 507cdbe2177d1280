"""Publishers' keys in PEM: 32 bytes of Ed25519, or a refusal."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from dcdist.formats.signature import PrivateKey, PublicKey
from tests.fuzz.recipes import Recipe, recipes
from tests.fuzz.target import REFUSALS, Target, require

if TYPE_CHECKING:
    from tests.support.format_objects import Plain

_KEY = PrivateKey(bytes(range(32)))
_LABELS = (
    b"PUBLIC KEY",
    b"PRIVATE KEY",
    b"EC PRIVATE KEY",
    b"RSA PUBLIC KEY",
    b"OPENSSH PRIVATE KEY",
    b"ENCRYPTED PRIVATE KEY",
)
_OTHER = ec.derive_private_key(5, ec.SECP256R1())


def _der(pem: str) -> bytes:
    return base64.b64decode("".join(pem.splitlines()[1:-1]))


_DERS: list[Plain] = [_der(_KEY.public.to_pem()), _der(_KEY.to_pem())]


def run(data: bytes) -> None:
    """The first byte: whether the rest is a file, DER, or changes to the DER of a key; and the label around it."""
    first, rest = data[0] if data else 0, data[1:]
    label = _LABELS[first // 4 % len(_LABELS)]
    if first % 4 == 2:
        changed = Recipe(rest).edited([_DERS[label != b"PUBLIC KEY"]])
        rest = next((each for each in changed if isinstance(each, bytes)), b"") if isinstance(changed, list) else b""
    if first % 4:
        rest = b"-----BEGIN %s-----\n%s-----END %s-----\n" % (label, base64.encodebytes(rest), label)
    try:
        public = PublicKey.from_pem(rest)
        require(
            PublicKey.from_pem(public.to_pem()) == public and len(public.raw) == 32, "a key is written as it is read"
        )
        public.verify(b"data", bytes(64))
    except REFUSALS as error:
        require(len(str(error)) < 500, "a message is short")
    try:
        private = PrivateKey.from_pem(rest.decode("latin-1") if first & 64 else rest)
        require(
            PrivateKey.from_pem(private.to_pem()) == private and len(private.raw) == 32,
            "a key is written as it is read",
        )
        require(private.public.verify(b"data", private.sign(b"data")), "a key's signatures are its own")
    except REFUSALS as error:
        require(len(str(error)) < 500, "a message is short")


def seeds() -> list[bytes]:
    """Keys of this and of other kinds, with and without a password, and changes of each sort."""
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    plain, locked = serialization.NoEncryption(), serialization.BestAvailableEncryption(b"x")
    files = [
        _KEY.to_pem().encode(), _KEY.public.to_pem().encode(), _OTHER.private_bytes(pem, pkcs8, plain),
        _OTHER.private_bytes(pem, pkcs8, locked),
        _OTHER.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo), b"",
    ]  # fmt: skip
    edits = [bytes([first]) + recipe for first in (2, 6) for recipe in recipes(_DERS[:1])]
    return [*(bytes([first]) + each for each in files for first in (0, 64)), b"\x02", b"\x06", *edits]


TARGET = Target("key_files", run, [PublicKey.from_pem, PrivateKey.from_pem], seeds, max_length=600)
