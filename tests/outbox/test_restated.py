"""Each kind of owned state has one owner; and every outbox kind that changes Redis can be written again."""

import pytest

from outbox import kinds, restated
from outbox.transports import redis


@pytest.fixture
def known(monkeypatch):
    monkeypatch.setattr(restated, "_known", dict(restated._known))


def test_a_name_is_registered_by_one_owner(known):
    def pieces(now):
        return ()

    restated.register("test", pieces=pieces)
    restated.register("test", pieces=pieces)
    with pytest.raises(ValueError, match="registered twice"):
        restated.register("test", pieces=lambda now: ())


def test_what_the_outbox_tells_a_redis_once_can_be_told_again():
    """A kind without this never comes back once Redis has lost its data."""
    told = {name for name in kinds.names() if (kind := kinds.find(name)) and kind.transport is redis.deliver}
    assert told
    # Who is connected is told of an announcement once; who comes later reads it on the panel, which has kept it.
    assert told - {name for name, _ in restated.every()} == {"announcement"}
