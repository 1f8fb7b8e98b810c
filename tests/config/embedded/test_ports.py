"""A port that a server is given is still free when the server starts, seconds later."""

import socket
from pathlib import Path

import pytest

from config.embedded import children

RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")


@pytest.mark.skipif(not RANGE.exists(), reason="Linux tells its range there")
def test_no_outgoing_connection_is_given_the_port():
    """It was of the kernel's own range; a test run's history server found a stranger answering at its address."""
    lowest, _ = map(int, RANGE.read_text().split())
    assert all(children.free_port() < lowest for _ in range(50))


def test_nobody_is_given_a_port_twice_nor_one_that_is_in_use(monkeypatch):
    monkeypatch.setattr(children, "_PORTS", range(15_000, 15_003))
    monkeypatch.setattr(children, "_handed_out", set())
    with socket.socket() as used:
        used.bind(("127.0.0.1", 15_001))
        used.listen()
        assert {children.free_port(), children.free_port()} == {15_000, 15_002}
        with pytest.raises(children.ChildFailed, match="between 15000 and 15002"):
            children.free_port()
