"""The one limiter, in Lua: GCRA on one key, so it is atomic, needs no clean-up, and holds for all processes of a group.

The key holds the time at which the bucket is full again, which says everything.
"""

# spend(key, now in ms, ms that one costs, how many may come at once, how many these are) answers the ms to wait, or 0;
# only then are they counted.
SPEND = """
local function spend(key, now, cost, burst, count)
  local full_at = math.max(now, tonumber(redis.call('GET', key) or 0)) + cost * count
  local wait = full_at - now - cost * burst
  if wait > 0 then return math.ceil(wait) end
  redis.call('SET', key, string.format('%.3f', full_at), 'PX', string.format('%.0f', math.ceil(full_at - now)))
  return 0
end
"""
