"""Which chunks exist already, and where: in layers of the store, and in the new stream of this publish.

Kept in SQLite on disk, in a file that is unlinked while it is open: a dict of the 2.3 million chunks of 150 GB would
take half a gigabyte for each version. All methods block, and are called by one thread at a time.
"""

from __future__ import annotations

import sqlite3
from itertools import accumulate
from typing import TYPE_CHECKING, Final, Self

from dcdist.errors import DiskError
from dcdist.formats.fields import DIGEST_LENGTH

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dcdist.formats.chunks import ChunkList

Place = tuple[int, int]
"""A source (its number) and where the chunk starts in the source's plain bytes."""

_PENDING: Final = 20_000
_PLACES: Final = 16
_SET_UP: Final = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA locking_mode = EXCLUSIVE;
PRAGMA cache_size = -131072;
CREATE TABLE chunks (
    digest BLOB NOT NULL, source INTEGER NOT NULL, start INTEGER NOT NULL, PRIMARY KEY (digest, source)
) WITHOUT ROWID;
"""


class KnownChunks:
    """The places of chunks by their SHA-256. The caller gives the numbers of sources their meaning."""

    def __init__(self) -> None:
        # The empty name is SQLite's for a temporary file of its own; it obeys SQLITE_TMPDIR and TMPDIR.
        self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._database.executescript(_SET_UP)
        self._pending: dict[bytes, Place] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    def add_layer(self, source: int, chunks: ChunkList) -> None:
        """Note all chunks of a layer.

        Raises:
            DiskError: The temporary folder has no room.
        """
        starts = accumulate(chunks.lengths, initial=0)
        digests = (chunks.digests[at : at + DIGEST_LENGTH] for at in range(0, len(chunks.digests), DIGEST_LENGTH))
        self._insert(zip(digests, (source for _ in range(len(chunks))), starts, strict=False))

    def add(self, digest: bytes, place: Place) -> None:
        """Note one chunk that is new.

        Raises:
            DiskError: The temporary folder has no room.
        """
        self._pending[digest] = place
        if len(self._pending) >= _PENDING:
            self._insert((key, source, start) for key, (source, start) in self._pending.items())
            self._pending.clear()

    def places(self, digest: bytes) -> list[Place]:
        """Where a chunk is, the lowest sources first (a few, if it is in many); empty if it is new."""
        pending = self._pending.get(digest)
        if pending is not None:
            return [pending]
        return self._database.execute(
            f"SELECT source, start FROM chunks WHERE digest = ? ORDER BY source LIMIT {_PLACES}", (digest,)
        ).fetchall()

    def _insert(self, rows: Iterable[tuple[bytes, int, int]]) -> None:
        try:
            self._database.execute("BEGIN")
            # Sorted, the rows go into few pages each.
            self._database.executemany("INSERT OR IGNORE INTO chunks VALUES (?, ?, ?)", sorted(rows))
            self._database.execute("COMMIT")
        except sqlite3.Error as error:
            raise DiskError(
                f"the temporary list of known chunks cannot be written: {error}; TMPDIR names its folder", path="TMPDIR"
            ) from error
