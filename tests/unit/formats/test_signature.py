from __future__ import annotations

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from dcdist.errors import FormatError
from dcdist.formats.signature import PrivateKey, PublicKey

KEY = PrivateKey(bytes(range(32)))
PEM = serialization.Encoding.PEM
PKCS8 = serialization.PrivateFormat.PKCS8


def test_the_owner_signed_it() -> None:
    signature = KEY.sign(b"data")
    assert len(signature) == 64
    assert KEY.public.verify(b"data", signature)


@pytest.mark.parametrize("signature", [b"", bytes(64), KEY.sign(b"data")[:63], KEY.sign(b"other"), b"x" * 65])
def test_another_signature_does_not_verify(signature: bytes) -> None:
    assert not KEY.public.verify(b"data", signature)


def test_another_key_does_not_verify() -> None:
    assert not PrivateKey.generate().public.verify(b"data", KEY.sign(b"data"))


def test_generated_keys_differ() -> None:
    assert PrivateKey.generate() != PrivateKey.generate()


def test_keys_pass_through_their_files() -> None:
    assert PrivateKey.from_pem(KEY.to_pem()) == KEY
    assert PublicKey.from_pem(KEY.public.to_pem()) == KEY.public


def test_the_secret_does_not_show() -> None:
    assert repr(KEY) == "PrivateKey()"


def test_an_identity_is_16_hex_digits_of_the_key() -> None:
    assert KEY.public.identity == "56475aa75463474c"


@pytest.mark.parametrize(
    "text", ["", "garbage", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "\ud800"]
)
def test_garbage_is_no_key(text: str) -> None:
    with pytest.raises(FormatError, match="not a public key in PEM form"):
        PublicKey.from_pem(text)
    with pytest.raises(FormatError, match="not a"):
        PrivateKey.from_pem(text)


def test_the_wrong_half_is_named() -> None:
    with pytest.raises(FormatError, match="a private key, not a public one"):
        PublicKey.from_pem(KEY.to_pem())
    with pytest.raises(FormatError, match="a public key, not a private one"):
        PrivateKey.from_pem(KEY.public.to_pem())


def test_a_key_of_another_kind_is_refused() -> None:
    other = ec.generate_private_key(ec.SECP256R1())
    public = other.public_key().public_bytes(PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    with pytest.raises(FormatError, match="not an Ed25519 key"):
        PublicKey.from_pem(public)
    with pytest.raises(FormatError, match="not an Ed25519 key"):
        PrivateKey.from_pem(other.private_bytes(PEM, PKCS8, serialization.NoEncryption()))


def test_a_key_behind_a_password_is_refused() -> None:
    secret = Ed25519PrivateKey.generate().private_bytes(PEM, PKCS8, serialization.BestAvailableEncryption(b"secret"))
    with pytest.raises(FormatError, match="needs a password"):
        PrivateKey.from_pem(secret)


def test_a_key_of_another_kinds_name_and_of_this_kinds_length_is_refused() -> None:
    der = "MC4CAQAwBQYDK2VxBCIEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"

    with pytest.raises(FormatError, match="not a private key"):
        PrivateKey.from_pem(f"-----BEGIN PRIVATE KEY-----\n{der}\n-----END PRIVATE KEY-----\n")
