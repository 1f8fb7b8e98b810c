"""One running deployment for all tests here, with an operator's first steps done: an admin, a node group, a node."""

from collections.abc import Iterator

import pytest

from tests.deployment.people import Operator
from tests.deployment.stack import Stack


@pytest.fixture(scope="package")
def stack() -> Iterator[Stack]:
    made = Stack()
    try:
        made.start()
        Operator(made).set_up_the_node()
        yield made
    finally:
        made.stop()
