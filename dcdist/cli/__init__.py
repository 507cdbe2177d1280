"""The command line: commands, exit codes, progress. The home of click and rich."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command that `sys.argv` names, and exit with its code."""
    from dcdist.cli.concealment import conceal

    # Before anything that takes time: until then every user of this host can read the arguments.
    warning = conceal()
    # Imported here, so that the entry handles Ctrl-C and faults of the import as early as possible.
    from dcdist.cli.entry import run

    sys.exit(run(sys.argv[1:], warning=warning))
