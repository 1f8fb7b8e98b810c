"""What the operator of a group leaves of its customers' entitlements, whatever was sold (`policies/apply`)."""

import json
from typing import Any

from kernel import keyspace
from kernel.scope import Policy

# KEYS the policy; ARGV JSON, revision: writes it unless a newer one is there; answers 1 where it was written.
_APPLY = """
local old = redis.call('GET', KEYS[1])
if old then
  local ok, known = pcall(cjson.decode, old)
  if ok and type(known) == 'table' and (tonumber(known.revision) or 0) > tonumber(ARGV[2]) then return 0 end
end
redis.call('SET', KEYS[1], ARGV[1])
return 1
"""


async def apply(client: Any, customer: str, group: str, policy: Policy) -> bool:
    """Write a customer's policy; False where a newer one is there.

    Raises:
        redis.RedisError: the store is away.
    """
    key, text = keyspace.policy(customer, group), json.dumps(policy.as_json())
    written = bool(await client.eval(_APPLY, 1, key, text, policy.revision))
    await client.sadd(keyspace.policies(group), customer)
    return written


async def count(client: Any, group: str) -> int:
    """Return how many customers of a group have a policy."""
    return int(await client.scard(keyspace.policies(group)))
