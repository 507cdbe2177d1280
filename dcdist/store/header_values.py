"""What environment variables say to a store: each is parsed once, when the store is opened. Pure.

Invariant: what cannot be used ends with a UsageError that names the variable, and shows nothing that may be secret.
"""

from __future__ import annotations

import re

from dcdist.errors import UsageError

_NO_HEADER = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


def header_value(text: str, *, variable: str) -> str:
    """`text` of `variable`, as a header can carry it.

    Raises:
        UsageError: It has line ends, other control characters or bytes that are not UTF-8, or spaces around it.
    """
    if "\r" in text or "\n" in text:
        problem = "has a line end in it (\\r or \\n), as when the file that sets it comes from Windows"
    elif _NO_HEADER.search(text):
        problem = "has a control character in it"
    elif not _is_utf8(text):
        problem = "has bytes in it that are not UTF-8"
    elif text != text.strip(" \t"):
        problem = "begins or ends with a space, which HTTP does not carry"
    else:
        return text
    raise UsageError(f"{variable} {problem}; set it anew")


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
