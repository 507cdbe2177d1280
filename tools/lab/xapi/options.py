"""How a stand-in is set up: where it keeps what it gets, the hosts of its pool, and their storages."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

USER, PASSWORD = "root", "a password"
STORAGE = "8f7d1a60-2c4b-4d7e-9b3f-5a1c0e6d2b48"
"""The UUID of the storage that there is unless others are asked for."""


@dataclass(frozen=True, slots=True)
class Storage:
    """A storage repository (SR) that one host of the pool sees; `content_type` is `iso` for a library of CDs."""

    uuid: str = STORAGE
    name: str = "Local storage"
    host: int = 0
    content_type: str = "user"


@dataclass(frozen=True, slots=True)
class Options:
    """All of it. `hosts` are addresses, of which the first is the pool's master; of `ports`, theirs, 0 is any free one.

    `socket` is the path of the master's socket for its own machine. Progress is told, and a cancellation seen, once in
    `progress_seconds`.
    """

    directory: Path
    hosts: tuple[str, ...] = ("127.0.0.1",)
    ports: tuple[int, ...] = (0,)
    socket: str | None = None
    storages: tuple[Storage, ...] = (Storage(),)
    api_version: tuple[int, int] = (1, 20)
    progress_seconds: float = 10.0

    @property
    def certificate(self) -> Path:
        """PEM of the certificate that clients should trust."""
        return self.directory / "certificate.pem"

    @property
    def imports(self) -> Path:
        """The log of imports."""
        return self.directory / "imports.log"

    def to_json(self) -> str:
        """One line for the command line of the process."""
        return json.dumps({**asdict(self), "directory": str(self.directory)})

    @classmethod
    def from_json(cls, text: str) -> Options:
        """What `to_json` wrote."""
        values = json.loads(text)
        major, minor = values.pop("api_version")
        return cls(
            Path(values.pop("directory")),
            hosts=tuple(values.pop("hosts")),
            ports=tuple(values.pop("ports")),
            storages=tuple(Storage(**each) for each in values.pop("storages")),
            api_version=(major, minor),
            **values,
        )
