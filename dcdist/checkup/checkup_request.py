"""What is examined: a store, and what a fetch on this host would be given.

Invariant: a request that cannot be used does not exist.
"""

# No `from __future__ import annotations`: `check_fields` reads the types of the fields.
from dataclasses import dataclass, field

from dcdist.engine.fetch_options import Reach
from dcdist.engine.option_values import Line, Name, PathOption, check_fields
from dcdist.errors import UsageError
from dcdist.formats.signature import PublicKey
from dcdist.model.identity import ReleaseName


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
    version: Name | None = None
    """The version of `demo` that a fetch would name; None: it would take the newest, which needs a listing."""
    line: Line | None = None
    """The line of releases that a fetch would be told to follow; None: the one that there is."""
    cache: PathOption | None = None
    """The folder for layers; None: it is not examined."""
    dest: PathOption | None = None
    """The folder for images; None: it is not examined."""
    reach: Reach = field(default=Reach())
    """How this host and others find and reach each other."""

    def __post_init__(self) -> None:
        check_fields(self)
        if self.version is not None and self.demo is None:
            raise UsageError(f"version={self.version!r} is of no demo: give demo too")

    @property
    def release(self) -> ReleaseName | None:
        """The release that a fetch would name; None: it would take the newest."""
        return None if self.demo is None or self.version is None else ReleaseName(self.demo, self.version)
