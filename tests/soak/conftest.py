"""The ground that `./dev soak` stands on, once for all tests here."""

from collections.abc import Iterator

import pytest

from benchmarks.soak.ground import Ground, Node, ground


@pytest.fixture(scope="session")
def standing() -> Iterator[Ground]:
    with ground() as one:
        yield one


@pytest.fixture(scope="session")
def running(standing) -> Iterator[Node]:
    with standing.node() as one:
        yield one
