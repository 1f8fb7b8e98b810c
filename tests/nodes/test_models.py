"""What a node says of itself follows from its columns."""

import pytest

from nodes.models import Node


@pytest.mark.parametrize(
    ("ws_url", "base"),
    [
        ("wss://sh-1.example:8443/ws/stock", "https://sh-1.example:8443"),
        ("ws://127.0.0.1:8000/ws/stock", "http://127.0.0.1:8000"),
        ("ws://[::1]:8000/ws/stock", "http://[::1]:8000"),
        ("wss://quant.example/n1/ws/stock", "https://quant.example/n1"),
        ("wss://quant.example/eu/n1/ws/stock", "https://quant.example/eu/n1"),
        ("wss://quant.example/rt/ws", "https://quant.example/rt"),
        ("wss://quant.example/elsewhere", "https://quant.example"),
    ],
)
def test_where_a_node_answers_http_follows_from_its_socket_address(ws_url, base):
    assert Node(ws_url=ws_url).http_base == base
