"""The other half of naive.py: takes lines on a port and says each as a `group_send`, from a process of its own.

python -m benchmarks.servers.naive_publisher PORT        (REDIS_URL)
"""

import asyncio
import json
import sys

from benchmarks.servers import naive  # noqa: F401  (configures Django)


async def main(port: int) -> None:
    from channels.layers import get_channel_layer

    layer = get_channel_layer()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            bar = json.loads(line)
            await layer.group_send(bar["symbol"], {"type": "bar", "bar": bar})
        writer.close()

    server = await asyncio.start_server(relay, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
