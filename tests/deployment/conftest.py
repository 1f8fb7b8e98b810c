"""One running deployment for all tests here, with an operator's first steps done: an admin, a node group, a node."""

import shutil
from collections.abc import Iterator

import pytest

from tests.deployment.people import Operator
from tests.deployment.stack import Stack


@pytest.fixture(scope="package")
def stack() -> Iterator[Stack]:
    for tool in ("unshare", "setpriv"):
        if shutil.which(tool) is None:
            pytest.skip(f"no {tool} here; mend it with: sudo apt-get install -y util-linux")
    made = Stack()
    try:
        made.start()
        Operator(made).set_up_the_node()
        yield made
    finally:
        made.stop()
