"""A small server that resumes, to see whether the load generator's check finds faults. It can make two of them.

python -m tests.benchmarks.resumer PORT FEED_PORT SYMBOLS DROP SWAP
    DROP  how many bars to leave out of each replay      SWAP  1: two windows of each replay change places
"""

import asyncio
import json
import sys

from websockets.asyncio.server import ServerConnection, serve


class Resumer:
    """Lines on the feed are live bars; a client that asks with `since` first gets what lies before."""

    def __init__(self, symbols: int, drop: int, swap: bool) -> None:
        self.symbols, self.drop, self.swap = symbols, drop, swap
        self.live: set[ServerConnection] = set()
        self.last: list[bytes] = []  # the newest round
        self.alone = asyncio.Lock()  # a replay and a live round must not interleave

    async def feed(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        coming: list[bytes] = []
        while line := (await reader.readline()).rstrip():
            coming.append(line)
            if len(coming) < self.symbols:
                continue
            async with self.alone:
                self.last, coming = coming, []
                for socket in self.live:
                    for bar in self.last:
                        await socket.send(bar, text=True)
        writer.close()

    async def client(self, socket: ServerConnection) -> None:
        async for text in socket:
            asked = json.loads(text)
            async with self.alone:
                await socket.send('{"type":"subscribed"}')
                if "since" in asked:
                    for bar in self.missed(asked["since"]):
                        await socket.send(bar, text=True)
                self.live.add(socket)

    def missed(self, since: int) -> list[bytes]:
        """Return what was between `since` and now, made from the newest bars."""
        newest = json.loads(self.last[0])["seq"]
        seqs = list(range(since + 1, newest + 1))
        if self.swap:
            seqs[3], seqs[4] = seqs[4], seqs[3]
        bars = [line.replace(b'"seq":%d' % newest, b'"seq":%d' % seq) for seq in seqs for line in self.last]
        return bars[self.drop :]


async def main(port: int, feed_port: int, symbols: int, drop: int, swap: int) -> None:
    resumer = Resumer(symbols, drop, bool(swap))
    entrance = await asyncio.start_server(resumer.feed, "127.0.0.1", feed_port)
    async with entrance, serve(resumer.client, "127.0.0.1", port, compression=None, ping_interval=None):
        await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    asyncio.run(main(*map(int, sys.argv[1:])))
