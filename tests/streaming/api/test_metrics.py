"""`GET /metrics`: the stream and the machine beside it on one page."""

import urllib.request

import pytest

from kernel import keyspace
from tests.streaming.conftest import make_token
from tests.streaming.test_socket import Client

pytestmark = pytest.mark.whole


def test_the_page_tells_of_the_stream_and_of_the_machine(node, cn):
    cn.know("600519.SH")
    cn.redis.hset(keyspace.refusals("CN"), "push|unit", 3)
    with Client(node, make_token()) as client:
        client.ask("subscribe", symbols=["600519.SH"])
        client.get("kline", seq=cn.write(("600519.SH", 10.0, 11.0, 9.0, 10.5, 100, 1000.0)))
        with urllib.request.urlopen(f"{node.base}/metrics") as got:
            page = got.read().decode()

    told = {line.split()[0] for line in page.splitlines() if line and not line.startswith("#")}
    assert told >= {
        'tickpack_refused_rows_total{lane="CN",line="push",reason="unit"}', 'tickpack_connections{dialect="native"}', 'tickpack_follows{lane="CN"}', "tickpack_deliveries_total",
        'tickpack_lag_seconds{lane="CN",since="exchange"}', 'tickpack_lag_seconds{lane="CN",since="store"}',
        "tickpack_flush_seconds_count", "tickpack_conflated_total", "tickpack_replaying",
        "tickpack_host_memory_available_bytes", 'tickpack_host_cpu_seconds_total{mode="user"}',
        "tickpack_host_disk_free_bytes", 'tickpack_host_network_bytes_total{direction="sent"}',
    }  # fmt: skip
