"""The native language as data: what a client says is the types that read it."""

import json

import pytest

from streaming.wire.channels import INTERVALS
from streaming.wire.dialects.native import addresses
from streaming.wire.dialects.native.describe import REST, SOCKET
from streaming.wire.dialects.native.messages import ACTIONS
from streaming.wire.dialects.native.reading import parse


def test_what_a_client_may_say_is_what_the_reader_knows():
    assert tuple(message.name for message in SOCKET.says) == ACTIONS


@pytest.mark.parametrize("message", SOCKET.says, ids=lambda message: message.name)
def test_the_example_of_what_a_client_says_is_read(message):
    parse(json.dumps(message.example))


def test_every_longer_interval_stands_in_the_schema_of_its_bar():
    (bar,) = [one for one in SOCKET.hears if one.name == "longer_bar"]

    assert bar.payload["properties"]["interval"] == {"enum": list(INTERVALS[1:])}


def test_the_addresses_are_told_beside_the_socket():
    assert REST is addresses.REST
