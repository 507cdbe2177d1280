"""How often faults are tried: once each as a rule, as often as the documents say with `--faults`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--faults`."""
    parser.addoption(
        "--faults", action="store_true", help="try the faults of tests/fault at full length: 100 kills, for example"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Full length takes minutes."""
    if config.getoption("--faults"):
        for item in items:
            if item.path.parent.name == "fault":
                item.add_marker(pytest.mark.timeout(3600), append=False)


@pytest.fixture(scope="session")
def often(pytestconfig: pytest.Config) -> Callable[[int, int], int]:
    """Gives its first argument, or with `--faults` its second."""
    full = bool(pytestconfig.getoption("--faults"))
    return lambda few, many: many if full else few
