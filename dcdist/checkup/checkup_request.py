"""What is examined: a store, and what a fetch on this host would be given.

Invariant: a request that cannot be used does not exist.
"""

# No `from __future__ import annotations`: `check_fields` reads the types of the fields.
from dataclasses import dataclass, field

from dcdist.engine.fetch_options import Reach
from dcdist.engine.option_values import Name, PathOption, check_fields
from dcdist.formats.signature import PublicKey


@dataclass(frozen=True, slots=True)
class CheckupRequest:
    """What to examine on this host.

    Raises:
        UsageError: A field is of the wrong type or cannot be used.
    """

    store: str
    """The store's URL."""
    trust: tuple[PublicKey, ...] = ()
    """The publishers' keys that a fetch would trust; none: signatures are not checked."""
    demo: Name | None = None
    """The demo whose releases and members are looked at; None: all of them."""
    cache: PathOption | None = None
    """The folder for layers; None: it is not examined."""
    dest: PathOption | None = None
    """The folder for images; None: it is not examined."""
    reach: Reach = field(default=Reach())
    """How this host and others find and reach each other."""

    def __post_init__(self) -> None:
        check_fields(self)
