r"""Text from elsewhere as a terminal or a log may have it. Pure.

Invariant: what is shown commands no terminal, changes no direction of writing and forges no line. Control characters
(C0, C1), marks of direction and separators of lines appear as their escapes in Python: `\x1b`, `\u202e`, `\n`.
"""

from __future__ import annotations


def on_one_line(text: str) -> str:
    """`text` on one line: line ends are escaped too. It stays as it is when shown twice."""
    return text if text.isprintable() else "".join(map(_shown, text))


def printable(text: str) -> str:
    """`text` with its line ends, which must be our own: whatever comes from elsewhere went through `on_one_line`."""
    return "\n".join(map(on_one_line, text.split("\n")))


def _shown(letter: str) -> str:
    return letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii")
