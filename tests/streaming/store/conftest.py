"""What tests of the real-time store start from."""

from collections.abc import Iterator

import pytest

from kernel import keyspace
from streaming.store.quota import PROCESS


@pytest.fixture
def unsigned(data_redis) -> Iterator[None]:
    """This process has given no sign of life: tests whose clock is ahead would find it dead by the wall clock's."""
    data_redis.zrem(keyspace.PROCESSES, PROCESS)
    yield
    data_redis.zrem(keyspace.PROCESSES, PROCESS)
