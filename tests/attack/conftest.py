"""What tests of attacks share."""

from tests.support.commands import demo

__all__ = ["demo"]
