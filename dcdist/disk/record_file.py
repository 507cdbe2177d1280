"""The record in its destination: read, and written whole or not at all. All calls block."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcdist.disk.destination_record import RECORD_LIMIT, RECORD_NAME, DestinationRecord, encode_record, read_record
from dcdist.disk.durable import open_folder, read_file, remove_file, replace_file
from dcdist.disk.own_file import stranger_at
from dcdist.disk.shared_modes import file_mode, group_of
from dcdist.disk.system_errors import refusals
from dcdist.errors import FormatError, NewerFormatError

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

_BEFORE = ".dcdist-images"
"""What dcdist wrote before it had this record."""


def load_record(destination: Path, *, own: Collection[int] = ()) -> DestinationRecord:
    """The record of a destination, which need not exist; empty if there is none.

    `own`: user ids that count as this user, besides its own.

    Raises:
        FormatError: It cannot be read, is in a newer format, or others may have written it.
        DiskError: The disk refused.
    """
    path = destination / RECORD_NAME
    with refusals(path, "read"):
        try:
            with open_folder(destination) as folder:
                if others := stranger_at(folder, RECORD_NAME, own=own):
                    raise FormatError(f"{path} is not believed: {others}")
                data = read_file(folder, RECORD_NAME, limit=RECORD_LIMIT)
        except FileNotFoundError:
            return DestinationRecord()
    try:
        return DestinationRecord() if data is None else read_record(data)
    except NewerFormatError as error:
        raise NewerFormatError(f"{path} was written by a newer dcdist: {error}", needed=error.needed) from error
    except FormatError as error:
        raise FormatError(f"{path} is damaged: {error}") from error


def store_record(destination: Path, record: DestinationRecord) -> None:
    """Write the record.

    Raises:
        DiskError: The disk refused.
    """
    with refusals(destination / RECORD_NAME, "write"), open_folder(destination) as folder:
        replace_file(folder, RECORD_NAME, encode_record(record), mode=file_mode(folder), group=group_of(folder))
        remove_file(folder, _BEFORE)
