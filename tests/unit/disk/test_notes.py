"""A host's own records, damaged by its disk: trusted only if they have the right form."""

from __future__ import annotations

import pytest

from dcdist.disk.piece_journal import Clean, read_clean
from dcdist.disk.serials import read_serials
from dcdist.model.seen import SeenDemo

DEEP = b"[" * 100_000


def test_notes_are_read() -> None:
    clean = b'{"size": 1, "mtime_ns": 2, "complete": true, "have": "00", "hashes": "01"}'

    assert read_serials(b'{"web": 3}') == {"web": SeenDemo(before=3)}
    assert read_clean(clean) == Clean(1, 2, complete=True, have="00", hashes="01")


@pytest.mark.parametrize(
    "data",
    [
        b"", b"[]", b"{", b'{"web": "3"}', b'{"web": true}', b'{"web": 1e3}', b'{"web": -1}', b"\xff", DEEP,
        b'{"format": 3, "demos": {}}', b'{"demos": {}}', b'{"format": 2, "demos": {"web": {"before": 0}}}',
        b'{"format": 2, "demos": {"web": {"before": 0, "lines": [{}]}}}',
        b'{"format": 2, "demos": {"web": {"before": 0, "lines": [{"store": "s", "key": "k", "line": "A", "serial": 1, '
        b'"left": false, "versions": {}}]}}}',
    ],
)  # fmt: skip
def test_serials_of_another_form_are_damaged(data: bytes) -> None:
    assert read_serials(data) is None


@pytest.mark.parametrize(
    "data",
    [
        b"", b"[]", b"{}", b'{"size": 1.0, "mtime_ns": 2, "complete": true, "have": "", "hashes": ""}',
        b'{"size": 1, "mtime_ns": 2, "complete": "no", "have": "", "hashes": ""}',
        b'{"size": 1, "mtime_ns": 2, "complete": true, "have": 5, "hashes": ""}', DEEP,
    ],
)  # fmt: skip
def test_a_clean_of_another_form_is_not_trusted(data: bytes) -> None:
    assert read_clean(data) is None
