"""An announcement reaches every socket of this process once, of its own group; what cannot be read reaches none."""

import asyncio

import pytest

from streaming.runtime.control import Control
from streaming.runtime.errands import Errands
from streaming.runtime.open_sockets import OpenSockets
from streaming.wire.announced import EXAMPLE

MESSAGE = {"type": "control", "kind": "announcement", "group": "", "told": EXAMPLE}


class Socket:
    def __init__(self):
        self.heard = []

    async def announce(self, told):
        self.heard.append(told)


async def heard(message, count=3):
    sockets, errands = OpenSockets(), Errands()
    open_ones = [Socket() for _ in range(count)]
    for nth, socket in enumerate(open_ones):
        sockets.enter(f"customer-{nth}", "local", socket)
    control = Control(sockets, errands, None, None, None)
    control._hear(message)
    while len(errands):
        await asyncio.sleep(0)
    return [[told.update for told in socket.heard] for socket in open_ones]


@pytest.mark.parametrize("group", ["", "local"])
async def test_every_socket_hears_it_once(group, settings):
    settings.NODE_GROUP = "local"

    assert await heard({**MESSAGE, "group": group}, count=450) == [[31]] * 450


@pytest.mark.parametrize("message", [{**MESSAGE, "group": "elsewhere"}, {**MESSAGE, "told": {"id": 1}}])
async def test_another_group_s_or_an_unreadable_one_reaches_nobody(message, settings):
    settings.NODE_GROUP = "local"

    assert await heard(message) == [[], [], []]
