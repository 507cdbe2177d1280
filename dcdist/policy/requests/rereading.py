"""When to read a small object again that a release needs and that did not come as promised.

A store that denies or garbles an object for a moment must not end a build that runs at night; one that does so for
good will not change its mind, and somebody should hear of it. So it is asked for about 20 s, as for payload. An answer
that asking again will not change, such as a signature by a stranger, is asked for once more and then believed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcdist.errors import NewerFormatError, ObjectMissingError, SignatureError, StoreDeniedError, StoreError
from dcdist.policy.requests.retry import NEVER, Backoff

if TYPE_CHECKING:
    from dcdist.errors import DcdistError

PATIENT = Backoff(tries=100, first=1.0, longest=4.0, total=20.0)
_ONCE_MORE = Backoff(tries=2, first=0.0)


def rule_for(error: DcdistError, *, promised: bool, patient: Backoff = PATIENT) -> Backoff:
    """How to go on after `error`; `promised`: a signed manifest names the object, so it must be there."""
    match error:
        case ObjectMissingError() | StoreDeniedError():
            return patient if promised else NEVER
        case StoreError():
            # What is retryable was tried again below, for longer than this; the rest says the same each time.
            return NEVER
        case NewerFormatError():
            return _ONCE_MORE
        case SignatureError():
            return patient if error.damaged else _ONCE_MORE
        case _:
            return patient
