"""A port that a server is given is still free when the server starts, seconds later."""

import socket
import subprocess
import sys
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


def test_a_port_that_only_root_may_have_is_not_called_taken():
    """The refusal is the kernel's, in a process that is not root."""
    program = (
        "import os, socket, sys; sys.path.insert(0, 'platform')\n"
        "from config.embedded.children import port_is_taken\n"
        "if os.geteuid() == 0: os.setgid(65534); os.setuid(65534)\n"
        "try: print(port_is_taken(1))\n"
        "except PermissionError: print('refused')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "refused", done.stderr
