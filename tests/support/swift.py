"""A real Swift for tests: one for the session, and for each test a container of its own and no faults."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from tools.lab.swift import Swift

if TYPE_CHECKING:
    from collections.abc import Iterator

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def swift_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Swift]:
    """The session's Swift. Tests take `swift`, which puts it in order again after them."""
    with Swift(tmp_path_factory.mktemp("swift")) as swift:
        yield swift


@pytest.fixture
def swift(swift_server: Swift) -> Iterator[Swift]:
    """A Swift that makes no faults until it is told to."""
    yield swift_server
    swift_server.order()


@pytest.fixture
def container() -> str:
    """The name of a container that nobody used yet."""
    return f"container-{next(_numbers)}"
