"""Ingest takes a published list while it runs, and tells the operator what its feeds report and no list has."""

import json

import pytest

from kernel import keyspace
from kernel.listing import complete, line, pack
from streaming.ingest.listing import MOST_TOLD, unknown
from streaming.reference import directory, instruments
from tests.streaming.ingest.conftest import wait_for

pytestmark = pytest.mark.whole


@pytest.fixture
def lane(clean_lane):
    """TEST's store; the published list is gone again afterwards."""
    store = clean_lane("TEST")
    yield store
    store._client.delete(keyspace.INSTRUMENTS)
    instruments.take(0, None)


def test_what_no_list_has_is_told_and_bounded():
    assert unknown(["600519.SH", "688999.SH", "00700.HK"]) == {"unknown": '["688999.SH"]', "unknown_count": 1}

    told = unknown(f"{code}.SH" for code in range(700_000, 701_000))

    assert (len(json.loads(str(told["unknown"]))), told["unknown_count"]) == (MOST_TOLD, 1_000)


def state(lane):
    told = lane._client.hgetall(keyspace.feed_state("TEST"))
    return {name.decode(): value.decode() for name, value in told.items()}


def test_a_running_lane_takes_the_list_and_says_what_it_lacks(lane, worker):
    worker(lane)
    wait_for(lambda: state(lane).get("unknown") == "[]")

    # A list without TEST.CN.
    row = complete({"symbol": "600519.SH", "name_zh": "贵州茅台"})
    lane._client.set(keyspace.INSTRUMENTS, pack(41, [line(row)]))

    wait_for(lambda: state(lane).get("unknown") == '["TEST.CN"]')
    assert (instruments.rev(), len(directory())) == (41, 1)
