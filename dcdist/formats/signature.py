"""Publishers' keys: Ed25519, in PEM files, with a short identity.

Invariant: a `PrivateKey` or `PublicKey` is 32 bytes of Ed25519 key and nothing else; no `repr` shows the secret.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from cryptography.exceptions import InternalError, InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from dcdist.errors import FormatError

SIGNATURE_LENGTH = 64
"""Bytes of a signature."""

# OpenSSL raises InternalError for a key whose length does not fit its kind.
_NO_KEY = (ValueError, UnsupportedAlgorithm, InternalError)
_ADVICE = "use the one that `dcdist keygen` writes"


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key that hosts trust."""

    raw: bytes

    @classmethod
    def from_pem(cls, text: str | bytes) -> PublicKey:
        """Read a SubjectPublicKeyInfo PEM.

        Raises:
            FormatError: It is not one, or the key is not Ed25519.
        """
        data = text.encode(errors="replace") if isinstance(text, str) else text
        try:
            key = serialization.load_pem_public_key(data)
        except _NO_KEY as error:
            hint = "a private key, not a public one" if b"PRIVATE KEY" in data else "not a public key in PEM form"
            raise FormatError(f"this is {hint}: {_ADVICE} to publisher.pub") from error
        if not isinstance(key, Ed25519PublicKey):
            raise FormatError(f"this public key is not an Ed25519 key: {_ADVICE} to publisher.pub")
        return cls(key.public_bytes_raw())

    def to_pem(self) -> str:
        """SubjectPublicKeyInfo as PEM text."""
        encoding, form = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        return Ed25519PublicKey.from_public_bytes(self.raw).public_bytes(encoding, form).decode()

    @property
    def identity(self) -> str:
        """The first 8 bytes of the SHA-256 of the raw key, as 16 hex digits. It identifies a key and proves nothing."""
        return hashlib.sha256(self.raw).hexdigest()[:16]

    def verify(self, data: bytes, signature: bytes) -> bool:
        """Whether `signature` is this key's signature of `data`."""
        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, data)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """A key that a publisher signs with."""

    raw: bytes = field(repr=False)

    @classmethod
    def generate(cls) -> PrivateKey:
        """A new key."""
        return cls(Ed25519PrivateKey.generate().private_bytes_raw())

    @classmethod
    def from_pem(cls, text: str | bytes) -> PrivateKey:
        """Read a PKCS #8 PEM without a password.

        Raises:
            FormatError: It is not one, or the key is not Ed25519.
        """
        data = text.encode(errors="replace") if isinstance(text, str) else text
        try:
            key = serialization.load_pem_private_key(data, password=None)
        except TypeError as error:
            raise FormatError(
                f"this key needs a password, which dcdist does not ask for: {_ADVICE} to publisher.key"
            ) from error
        except _NO_KEY as error:
            hint = "a public key, not a private one" if b"PUBLIC KEY" in data else "not a private key in PEM form"
            raise FormatError(f"this is {hint}: {_ADVICE} to publisher.key") from error
        if not isinstance(key, Ed25519PrivateKey):
            raise FormatError(f"this private key is not an Ed25519 key: {_ADVICE} to publisher.key")
        return cls(key.private_bytes_raw())

    def to_pem(self) -> str:
        """PKCS #8 as PEM text, not encrypted: protect it from other users."""
        encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        plain = serialization.NoEncryption()
        return Ed25519PrivateKey.from_private_bytes(self.raw).private_bytes(encoding, form, plain).decode()

    @property
    def public(self) -> PublicKey:
        """The public key, which hosts get."""
        return PublicKey(Ed25519PrivateKey.from_private_bytes(self.raw).public_key().public_bytes_raw())

    def sign(self, data: bytes) -> bytes:
        """A signature of 64 bytes; the same data gives the same signature."""
        return Ed25519PrivateKey.from_private_bytes(self.raw).sign(data)
