"""What providers have pushed, on its way to the lane's feed `push`: what comes again is dropped, what is not read ages.

A version is known by (market, ts_code, version) for as long as it is among the newest ones of its instrument, whichever
node it came to and whatever was restarted since.
"""

import json
from typing import Any

import redis.asyncio

from kernel import keyspace
from streaming.errors import PushesWait
from streaming.records.versions import pack
from streaming.wire.dialects.rt_receiver.push import Batch

AT_ONCE = 500  # ticks in one entry
ENTRIES = 400  # that nobody has read yet: 200,000 ticks at most, some 30 MB
_VERSIONS = 32  # of an instrument: over a minute of a sender's two-second pushes, and its retries end after 20 s
_VERSIONS_KEPT_S = 3 * 86_400

# KEYS versions, stream; ARGV entries, versions, seconds to keep those, then (field, version, tick) of each: answers how
# many were new; -1 where nobody reads and there is no room. Then nothing is noted either: it may be pushed again.
_PUT = """
if redis.call('XLEN', KEYS[2]) > tonumber(ARGV[1]) then return -1 end
local most, new = tonumber(ARGV[2]), {}
for i = 4, #ARGV, 3 do
  local field, version, fresh = ARGV[i], ARGV[i + 1], true
  if version ~= '' then
    local known = redis.call('HGET', KEYS[1], field) or '\\n'
    fresh = not string.find(known, '\\n' .. version .. '\\n', 1, true)
    if fresh then
      known = known .. version .. '\\n'
      local _, count = string.gsub(known, '\\n', '')
      if count > most + 1 then known = string.gsub(known, '^\\n[^\\n]*', '') end
      redis.call('HSET', KEYS[1], field, known)
    end
  end
  if fresh then
    new[#new + 1] = tostring(#new / 2)
    new[#new + 1] = ARGV[i + 2]
  end
end
if #new > 0 then redis.call('XADD', KEYS[2], '*', unpack(new)) end
redis.call('EXPIRE', KEYS[1], ARGV[3])
return #new / 2
"""


async def feed_setting(client: "redis.asyncio.Redis", lane: str) -> dict[str, Any]:
    """Return the feed that an operator chose for a lane; empty where nobody did.

    Raises:
        redis.RedisError: the store is away.
    """
    raw = await client.get(keyspace.feed_setting(lane))
    try:
        found = json.loads(raw or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


async def put(client: "redis.asyncio.Redis", batch: Batch, line: str) -> int:
    """Hand a batch on to a line of the market, without what came before; return how many ticks were new.

    Raises:
        PushesWait: the market reads none; what was taken of this batch is dropped when it comes again.
        redis.RedisError: the store is away; the sender tries again, and what was taken already is dropped then.
    """
    script: Any = client.register_script(_PUT)
    keys = [keyspace.push_versions(batch.lane, line), keyspace.pushed(batch.lane, line)]
    new = 0
    for start in range(0, len(batch.items), AT_ONCE):
        arguments: list[Any] = [ENTRIES, _VERSIONS, _VERSIONS_KEPT_S]
        for item in batch.items[start : start + AT_ONCE]:
            arguments += (f"{batch.market}|{item.tick.symbol}", item.version, pack(item.tick))
        taken = int(await script(keys=keys, args=arguments))
        if taken < 0:
            raise PushesWait
        new += taken
    return new
