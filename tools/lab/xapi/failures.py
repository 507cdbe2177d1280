"""Failures as xapi tells them: a code from its list of errors, then parameters; all of them text."""

from __future__ import annotations

from typing import Self


class Failure(Exception):  # noqa: N818 - the word of xapi and of XenAPI
    """What a task or a call fails with; `description` is the code and its parameters."""

    def __init__(self, *description: str) -> None:
        super().__init__(": ".join(description))
        self.description = description

    @classmethod
    def of_import(cls, exception: str) -> Self:
        """An exception of xapi's own in an import (`with_error_handling` of import.ml, exnHelper.ml)."""
        return cls("IMPORT_ERROR", f"INTERNAL_ERROR: [ {exception} ]")

    @classmethod
    def of_early_end(cls) -> Self:
        """The body ends before the last block of the last disk."""
        return cls("IMPORT_ERROR_PREMATURE_EOF")
