"""What was asked for over REST in the last minute, in Lua: it counts as a symbol beside what sockets follow.

Two sorted sets a customer and group, symbol -> ms: `asked`, when each was asked for last, and `claimed`, when each was
let in as a new one. A minute later it is as if nobody had asked. Sockets never wait for them: what a subscribe needs is
taken back (TAKE_BACK). Nothing is ever stored of TEST.CN, which is free.

The panel's own pages (viewers) have two sets of their own: programs are asked nothing for what pages show.
"""

MINUTE_MS = 60_000

# take_back(asked, now, most, followed): forgets what was asked for longest ago, until the symbols that are followed
# (a table by symbol) and those that were asked for are at most `most`. Answers how many are counted then.
TAKE_BACK = """
local function take_back(asked, now, most, followed)
  redis.call('ZREMRANGEBYSCORE', asked, '-inf', now - 60000)
  local used, beside = 0, {}
  for _ in pairs(followed) do used = used + 1 end
  for _, symbol in ipairs(redis.call('ZRANGE', asked, 0, -1)) do
    if not followed[symbol] then beside[#beside + 1] = symbol end
  end
  local over = math.min(used + #beside - most, #beside)
  for i = 1, over do redis.call('ZREM', asked, beside[i]) end
  return used + #beside - math.max(over, 0)
end
"""

# admit_symbols(keys, now, most, dead, symbols, of_programs) answers those that are one too many, in their order.
# keys: asked, claimed, follows. of_programs: of a viewer's call what programs have asked for, else nil. A program's
# call is held to what programs use, a viewer's to what everybody does.
ADMIT = (
    TAKE_BACK
    + """
local function followed_by(key, dead, everybody)
  local followed, all = {}, redis.call('HGETALL', key)
  for i = 1, #all, 2 do
    local process = string.match(all[i], '^(.*):')
    local counts = everybody or not string.find(all[i], ':viewer-', 1, true)
    if counts and not (process and dead[process]) then
      for symbol in pairs(cjson.decode(all[i + 1]).symbols) do followed[symbol] = true end
    end
  end
  return followed
end
local function admit_symbols(asked, claimed, follows, now, most, dead, symbols, of_programs)
  local as_before = not of_programs and #symbols <= 1000 and redis.call('ZCARD', asked) <= most
  local known = as_before and redis.call('ZMSCORE', asked, unpack(symbols)) or {}
  for i = 1, #symbols do
    as_before = as_before and known[i] and tonumber(known[i]) > now - 60000
  end
  local refused, let_in = {}, {}
  if as_before then
    -- Programs ask for the same ones again and again; sockets have taken back what they needed.
    for _, symbol in ipairs(symbols) do let_in[#let_in + 1] = now; let_in[#let_in + 1] = symbol end
  else
    local followed = followed_by(follows, cjson.decode(dead), of_programs)
    if of_programs then
      local theirs = redis.call('ZRANGEBYSCORE', of_programs, now - 60000, '+inf')
      for _, symbol in ipairs(theirs) do followed[symbol] = true end
    end
    local used = take_back(asked, now, most, followed)
    redis.call('ZREMRANGEBYSCORE', claimed, '-inf', now - 60000)
    local new = redis.call('ZCARD', claimed)
    for _, symbol in ipairs(symbols) do
      local fits = followed[symbol] or redis.call('ZSCORE', asked, symbol)
      if not fits and used < most then
        local again = redis.call('ZSCORE', claimed, symbol)
        if again or new < most then
          if not again then
            new = new + 1
            redis.call('ZADD', claimed, now, symbol)
          end
          used, fits = used + 1, true
        end
      end
      if fits then let_in[#let_in + 1] = now; let_in[#let_in + 1] = symbol
      else refused[#refused + 1] = symbol end
    end
    redis.call('PEXPIRE', claimed, 60000)
  end
  for i = 1, #let_in, 1000 do redis.call('ZADD', asked, unpack(let_in, i, math.min(i + 999, #let_in))) end
  if #let_in > 0 then redis.call('PEXPIRE', asked, 60000) end
  return refused
end
"""
)
