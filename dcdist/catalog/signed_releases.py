"""All releases of one demo that trusted keys signed, and what else lies in their places.

Invariant: nothing but a trusted signature gives a release a say. What is not signed, cannot be read, or is not read in
time ends nothing while there is a release to take; what of it may be newer is reported.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final

from dcdist.catalog.latest import rank
from dcdist.catalog.manifest_reads import ManifestReads, read_each
from dcdist.errors import (
    DcdistError,
    FormatError,
    IntegrityError,
    NewerFormatError,
    ObjectMissingError,
    SignatureError,
    StoreError,
)
from dcdist.formats import manifest, object_names
from dcdist.model.release import SignedRelease
from dcdist.model.trouble import Trouble, Troubled
from dcdist.policy.requests.rereading import PATIENT
from dcdist.retry_loop import retry

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dcdist.formats.signature import PublicKey
    from dcdist.model.identity import LineId
    from dcdist.model.release import Release
    from dcdist.ports.store import Entry, Store

ENOUGH: Final = 60.0
"""Seconds after which nothing more is read, if there is a release to take."""

_WORD: Final = 5.0
"""Seconds after which the user hears that this takes long."""

_AGAIN: Final = 8
"""The most damaged objects that are read again, the newest first: the damage may be one of the moment."""

_ONCE_MORE: Final = 5.0
"""Seconds for reading them once more, where there is a release to take without them."""

_NAMED: Final = 5
"""Objects passed over that are reported one by one; anybody may have put any number there."""


@dataclass(frozen=True, slots=True)
class _Refused:
    """An object in a release's place that is not believed: what is wrong, and that in the words of the decoder."""

    entry: Entry
    error: DcdistError
    reason: str

    @property
    def by_others(self) -> bool:
        """Whether nothing is wrong with it but that no trusted key signed it."""
        return isinstance(self.error, SignatureError) and not self.error.damaged

    @property
    def damaged(self) -> bool:
        """Whether its bytes are wrong, which they may not be the next time."""
        wrong = isinstance(self.error, FormatError | IntegrityError) and not self.by_others
        return wrong and not isinstance(self.error, NewerFormatError)


class SignedReleases:
    """Reads the releases of a demo; `tell` hears what is passed over or takes long."""

    def __init__(self, store: Store, demo: str, trust: Sequence[PublicKey], tell: Callable[[Troubled], None]) -> None:
        self._store = store
        self._demo = demo
        self._trust = trust
        self._tell = tell
        self._reads = ManifestReads(store)
        self._signed: dict[str, SignedRelease] = {}
        self._newest: dict[LineId | None, str] = {}
        self._modified: dict[str, float] = {}
        self._refused: dict[str, _Refused] = {}
        self._reasons: dict[str, str] = {}
        self._unread: list[Entry] = []
        self._told = False

    @property
    def found(self) -> list[SignedRelease]:
        """The releases; all but the newest of each line without what they are made of, as there may be many."""
        return list(self._signed.values())

    async def read(self, entries: Sequence[Entry], *, suffices: Callable[[], bool]) -> None:
        """Read all that `entries` list, for ENOUGH seconds if what was found by then `suffices`.

        Raises:
            DcdistError: A trusted key signed none of them: what is wrong with the newest. There may be none at all.
        """
        self._modified = {each.key: each.modified for each in entries}

        def goes_on(seconds: float, unread: int) -> bool:
            if seconds >= _WORD and not self._told:
                self._told = True
                self._say(
                    f"the search for the latest release of {self._demo} takes long: {unread} of {len(entries)} objects "
                    f"are unread; with a release to take it ends after {ENOUGH:.0f} s",
                    Trouble.STORE,
                )
            return seconds < ENOUGH or not suffices()

        with self._reads:
            self._unread = await read_each(entries, self._read, goes_on=goes_on)
            if self._refused:
                await self._look_again()

    def report_passed_over(self, latest: Release | None) -> None:
        """Report what may be newer than the latest, the newest first; without a latest, all that is not believed."""
        since = 0.0 if latest is None else self._modified[object_names.release(latest.name)]
        taken = "" if latest is None else f" for {latest.name} (serial {latest.serial})"
        passed = {each.entry.key: each.reason for each in self._refused.values()}
        if latest is not None:
            others = {key: each.release.line for key, each in self._signed.items() if each.release.line != latest.line}
            passed |= {key: f"it is of {'no line' if line is None else f'line {line}'}" for key, line in others.items()}
        newer = sorted((key for key in passed if self._modified[key] >= since), key=self._age)
        for key in newer[:_NAMED]:
            name = object_names.parse_release(key)
            self._say(f"{name} is passed over{taken}: {passed[key]}", Trouble.PASSED_OVER, key)
        if more := newer[_NAMED:]:
            message = f"{len(more)} more releases are passed over{taken}; `dcdist ls --trust FILE` marks them"
            self._say(message, Trouble.PASSED_OVER)
        if self._unread:
            self._say(
                f"{len(self._unread)} of {len(self._modified)} objects that may be releases of {self._demo} were not "
                f"read in time: a newer one than {latest.name if latest else 'those found'} may be among them",
                Trouble.PASSED_OVER,
            )

    # Reading

    async def _read(self, entry: Entry) -> None:
        try:
            found = await self._reads.read(entry, partial(self._open, entry.key))
        except ObjectMissingError:
            self._refused.pop(entry.key, None)  # it was deleted meanwhile
        except DcdistError as error:
            self._refused[entry.key] = _Refused(entry, error, self._reasons.pop(entry.key, str(error)))
        else:
            self._refused.pop(entry.key, None)
            self._keep(entry.key, found)

    def _open(self, key: str, data: bytes) -> SignedRelease:
        try:
            found = manifest.open_signed(data, self._trust)
        except (SignatureError, FormatError) as error:
            self._reasons[key] = str(error)
            error.add_context(place=f"{self._store}/{key}")
            if isinstance(error, SignatureError):
                error.source = f"{self._store}/{key}"
            raise
        require_named(self._store, key, found.release)
        return found

    def _keep(self, key: str, found: SignedRelease) -> None:
        line = found.release.line
        before = self._newest.get(line)
        if before is not None and rank(self._signed[before].release) > rank(found.release):
            self._signed[key] = _light(found)
            return
        if before is not None:
            self._signed[before] = _light(self._signed[before])
        self._signed[key], self._newest[line] = found, key

    async def _look_again(self) -> None:
        """Read what is damaged once more, or for a while if there is nothing else; see `read`."""
        damaged = [each for each in self._refused_by_age() if each.damaged][:_AGAIN]
        if self._signed:
            self._announce(damaged, 1, 0.0)
            await read_each(
                [each.entry for each in damaged], self._read, goes_on=lambda seconds, _: seconds < _ONCE_MORE
            )
        elif damaged:
            await self._insist(damaged)
        else:
            raise self._nothing_to_believe()

    async def _insist(self, damaged: Sequence[_Refused]) -> None:
        """Read the damaged ones again for a while, since there is nothing else.

        Raises:
            DcdistError: There still is nothing.
        """

        async def again(_number: int) -> None:
            await read_each([each.entry for each in damaged], self._read)
            if not self._signed:
                raise self._nothing_to_believe()

        self._announce(damaged, 1, 0.0, f", and so on for up to {PATIENT.total:.0f} s")
        await retry(
            again,
            lambda _: PATIENT,
            errors=DcdistError,
            rng=random.Random(),
            failed=lambda _, number, delay: self._announce(damaged, number + 1, delay),
            gave_up=_conclude,
            count_answers=False,
        )

    # Words

    def _announce(self, damaged: Sequence[_Refused], number: int, delay: float, end: str = "") -> None:
        for each in damaged:
            message = f"{each.error}; try {number} failed, the next is in {delay:.1f} s{end}"
            self._say(message, Trouble.CORRUPT, each.entry.key)

    def _say(self, message: str, kind: Trouble, key: str = "") -> None:
        self._tell(Troubled(message, kind, f"{self._store}/{key}" if key else str(self._store)))

    def _age(self, key: str) -> float:
        return -self._modified[key]

    def _refused_by_age(self) -> list[_Refused]:
        """The newest first."""
        return sorted(self._refused.values(), key=lambda each: self._age(each.entry.key))

    def _nothing_to_believe(self) -> DcdistError:
        """Why none of them can be taken: the store fails, the newest is damaged, or all are somebody else's."""
        refused = self._refused_by_age()
        for kind in (StoreError, FormatError | IntegrityError):
            for each in refused:
                if isinstance(each.error, kind) and not each.by_others:
                    return each.error
        newest = refused[0]
        return SignatureError(
            f"{self._store}: no release of {self._demo} is signed by a trusted key; "
            f"{object_names.parse_release(newest.entry.key)}, the newest: {newest.reason}",
            source=str(self._store),
        )


def require_named(store: Store, key: str, release: Release) -> None:
    """Raise a SignatureError unless `release` belongs at `key`: a store may answer with another signed one."""
    if object_names.release(release.name) != key:
        raise SignatureError(
            f"{store}: the object for {object_names.parse_release(key)} holds the manifest of {release.name}; the "
            "store's contents were mixed up",
            source=str(store),
        )


def _light(found: SignedRelease) -> SignedRelease:
    return SignedRelease(replace(found.release, images=(), layers=(), metadata=()), found.signers)


def _conclude(error: DcdistError, number: int, seconds: float) -> None:
    """The first try of all was before the loop."""
    error.add_context(note=f"tried {number + 1} times in {seconds:.0f} s")
