"""Keeps the secrets that a command was given in its own memory: neither `ps` nor `/proc` nor a core shows them.

Invariant: `os.environ` and `sys.argv` stay as they are; only what the system shows of them changes.
"""

from __future__ import annotations

import os
import re

from dcdist.cli.own_process import erase_variables, gain_no_privileges, leave_no_core, rewrite_arguments

_SECRET_NAME = re.compile(rb"^(ST|OS)_|KEY|TOKEN|SECRET|PASS|CREDENTIAL", re.IGNORECASE)
"""Variables of Swift's sign-in, and what other programs call theirs."""

_INSTEAD = (
    "a password stands on the command line, where every user of this host could read it until now: give the URL by the "
    "variable DCDIST_STORE"
)


def conceal() -> str:
    """Do so, before anything else; a warning for people, empty if there is none."""
    revealed = False

    def rewrite(arguments: list[bytes]) -> list[bytes]:
        nonlocal revealed
        shown = [without_secrets(argument) for argument in arguments]
        revealed = shown != arguments
        return shown

    hidden = rewrite_arguments(rewrite)
    erase_variables({name for name, value in os.environb.items() if is_secret(name, value)})
    leave_no_core()
    gain_no_privileges()
    return (_INSTEAD if hidden else _INSTEAD.replace("until now", "as long as it runs")) if revealed else ""


def without_secrets(argument: bytes) -> bytes:
    """An argument as others may see it: of a URL neither the user and the password nor the query. Pure."""
    before, _, host = argument.rpartition(b"@")
    if b":" in before.replace(b"://", b""):
        # A password may have any character in it, and the URL may be mistyped: nothing between is shown.
        scheme, slashes, _ = before.partition(b"//")
        argument = (scheme + slashes if slashes else b"") + b"...@" + host
    return re.sub(rb"(://[^?]*)\?.*", rb"\1?...", argument, flags=re.DOTALL)


def is_secret(name: bytes, value: bytes) -> bool:
    """Whether a variable holds a secret, by its name or by a URL with a password in its value. Pure."""
    return bool(_SECRET_NAME.search(name)) or without_secrets(value) != value
