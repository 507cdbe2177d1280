"""What tests of the command line share."""

from tests.support.commands import demo

__all__ = ["demo"]
