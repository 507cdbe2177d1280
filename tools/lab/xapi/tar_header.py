"""One tar header as ocaml-tar 2.6.0 reads it (lib/tar.ml): the name and size of a plain file, or the end.

Not read here, since no XVA has them: pax headers and GNU long names.
"""

from __future__ import annotations

from dataclasses import dataclass

from tools.lab.xapi.failures import Failure

BLOCK = 512
_CHECKSUM = slice(148, 156)
_OTHER_KINDS = b"xgLK"


@dataclass(frozen=True, slots=True)
class Member:
    """A plain file of an archive; `size` is its bytes."""

    name: str
    size: int

    @property
    def padding(self) -> int:
        """Bytes between its body and the next header."""
        return -self.size % BLOCK


def read_member(block: bytes) -> Member | None:
    """The member that a header of 512 bytes begins; None for a block of zeros.

    Raises:
        Failure: It is not a header.
    """
    if not any(block):
        return None
    if _octal(block[_CHECKSUM]) != sum(block) - sum(block[_CHECKSUM]) + 8 * ord(" "):
        raise Failure.of_import("Tar.Header.Checksum_mismatch")
    if block[156] in _OTHER_KINDS:
        raise Failure.of_import(f"the lab reads no member of type {chr(block[156])}")
    name = _text(block[:100])
    prefix = _text(block[345:500]) if block[257:262] == b"ustar" else ""
    return Member("/".join(part for part in (prefix, name) if part), _octal(block[124:136]))


def _octal(field: bytes) -> int:
    digits = field.replace(b"\0", b" ").strip()
    if digits.strip(b"01234567"):
        raise Failure.of_import('Failure("Int64.of_string")')
    return int(digits or b"0", 8)


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode("latin-1")
