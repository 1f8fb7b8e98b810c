"""The books of who follows what, in Lua: every question and change of streaming.store.quota is one of these.

All of them read the whole hash of a customer, drop the sockets of dead processes, and know two kinds of sockets: those
of programs, and those of viewers, which are our own pages and have VIEWER in their field. Programs never wait for
viewers: what a program needs is taken back from them in the same script.
"""

from streaming.store.asked import TAKE_BACK
from streaming.store.gcra import SPEND

VIEWER = "viewer-"  # what stands between a viewer's process and its name: `<process>:viewer-<name>`

# Leaves: programs and viewers (symbol -> first followed at) without this socket, mine, sockets (of programs), tabs (the
# sockets of other viewers).
_READ = """
local dead = cjson.decode(ARGV[2])
local function views(field) return string.find(field, ':viewer-', 1, true) ~= nil end
local is_view = views(ARGV[1])
local programs, viewers, mine, sockets, tabs = {}, {}, {at = tonumber(ARGV[3]), symbols = {}}, {}, {}
local function note(followed, symbols)
  local new = 0
  for symbol, text in pairs(symbols) do
    local at = tonumber(text)
    if not followed[symbol] then followed[symbol] = at; new = new + 1
    elseif at < followed[symbol] then followed[symbol] = at end
  end
  return new
end
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  local process = string.match(all[i], '^(.*):')
  if process and dead[process] then
    redis.call('HDEL', KEYS[1], all[i])
  else
    local socket, view = cjson.decode(all[i + 1]), views(all[i])
    if not view then sockets[#sockets + 1] = {all[i], socket.at} end
    if all[i] == ARGV[1] then mine = socket
    elseif view then note(viewers, socket.symbols); tabs[#tabs + 1] = {all[i], socket}
    else note(programs, socket.symbols) end
  end
end
-- What is followed now (symbol -> first followed at), and how much that is: of programs, or of everybody.
local function union(everybody)
  local followed = {}
  local used = note(followed, programs)
  if everybody or not is_view then used = used + note(followed, mine.symbols) end
  if everybody then used = used + note(followed, viewers) end
  return followed, used
end
local function used_by_all()
  local _, used = union(true)
  return used
end
-- What programs have asked for over REST within the last minute and do not follow, added to what they follow.
local function with_asked(followed, used)
  for _, symbol in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], tonumber(ARGV[3]) - 60000, '+inf')) do
    if not followed[symbol] then followed[symbol] = 0; used = used + 1 end
  end
  return followed, used
end
-- What viewers alone follow, newest first: {symbol, first followed at}.
local function beside(followed)
  local found = {}
  for symbol, at in pairs(viewers) do
    if not followed[symbol] then found[#found + 1] = {symbol, at} end
  end
  table.sort(found, function(a, b) if a[2] == b[2] then return a[1] > b[1] end return a[2] > b[2] end)
  return found
end
-- Viewers give back what they alone follow and there is no room for. Answers the fields of those who have lost some.
local function make_room(followed, used, most)
  local concerned, gone = {}, {}
  if #tabs == 0 then return concerned end
  local order = beside(followed)
  for i = 1, math.min(used + #order - most, #order) do gone[order[i][1]] = true; viewers[order[i][1]] = nil end
  if next(gone) == nil then return concerned end
  for _, tab in ipairs(tabs) do
    local loses = false
    for symbol in pairs(tab[2].symbols) do
      if gone[symbol] then tab[2].symbols[symbol] = nil; loses = true end
    end
    if loses then
      redis.call('HSET', KEYS[1], tab[1], cjson.encode(tab[2]))
      concerned[#concerned + 1] = tab[1]
    end
  end
  return concerned
end
-- As text: cjson writes numbers with 14 digits, and the order of one message's symbols stands in the last three of 16.
local function stamp(i) return string.format('%.0f', tonumber(ARGV[3]) * 1000 + i) end
local function keep()
  redis.call('HSET', KEYS[1], ARGV[1], cjson.encode(mine))
  redis.call('EXPIRE', KEYS[1], tonumber(ARGV[4]))
end
"""
# KEYS[2] the customer's limiter, one for programs and one for viewers. ARGV[5] how many there may be, ARGV[6] ms a
# connection costs, ARGV[7] how many may come at once: enters the socket; answers used and the sockets that are too
# many, oldest first; or -1 and the ms to wait; or -2 where viewers are too many, who push nobody out.
ENTER = (
    SPEND
    + """
if tonumber(ARGV[6]) > 0 then
  local wait = spend(KEYS[2], tonumber(ARGV[3]), tonumber(ARGV[6]), tonumber(ARGV[7]), 1)
  if wait > 0 then return {-1, {tostring(wait)}} end
end
"""
    + _READ
    + """
if is_view then
  if #tabs >= tonumber(ARGV[5]) then return {-2, {}} end
  keep()
  return {used_by_all(), {}}
end
keep()
table.sort(sockets, function(a, b) return a[2] < b[2] end)
local older, over = {}, {}
for _, socket in ipairs(sockets) do if socket[1] ~= ARGV[1] then older[#older + 1] = socket[1] end end
for i = 1, #older + 1 - tonumber(ARGV[5]) do if older[i] then over[#over + 1] = older[i] end end
return {used_by_all(), over}
"""
)
# KEYS[2] what was asked for over REST. ARGV[5] max_subs, ARGV[6] symbols in order, ARGV[7] '1' for all or none: answers
# those granted, used, and the viewers that have given way. What REST has asked for stands back behind programs, and
# viewers behind both.
CLAIM = (
    _READ
    + TAKE_BACK
    + """
local granted, concerned, most = {}, {}, tonumber(ARGV[5])
local followed, used = union(is_view)
if is_view then followed, used = with_asked(followed, used) end
local wanted = cjson.decode(ARGV[6])
if ARGV[7] == '1' then
  local new = {}
  for _, symbol in ipairs(wanted) do if followed[symbol] == nil then new[symbol] = true end end
  local count = 0
  for _ in pairs(new) do count = count + 1 end
  if used + count > most then keep() return {granted, used_by_all(), concerned} end
end
for i, symbol in ipairs(wanted) do
  local fits = followed[symbol] ~= nil
  if not fits and used < most then fits = true; used = used + 1; followed[symbol] = 0 end
  if fits then
    granted[#granted + 1] = symbol
    if not mine.symbols[symbol] then mine.symbols[symbol] = stamp(i) end
  end
end
keep()
if not is_view then
  local held = used
  if redis.call('EXISTS', KEYS[2]) == 1 then held = take_back(KEYS[2], tonumber(ARGV[3]), most, followed) end
  concerned = make_room(followed, held, most)
end
if #tabs > 0 or is_view then used = used_by_all() end
return {granted, used, concerned}
"""
)
# ARGV[5] symbols: gives them back on this socket; answers used.
RELEASE = (
    _READ
    + """
for _, symbol in ipairs(cjson.decode(ARGV[5])) do mine.symbols[symbol] = nil end
keep()
return used_by_all()
"""
)
# ARGV[5] max_subs: the newest-followed symbols over the quota go, those of viewers before any of a program's; answers
# this socket's own among them and used. Each socket does so for itself.
SHRINK = (
    _READ
    + TAKE_BACK
    + """
local followed, used = union(false)
local order = {}
for symbol, at in pairs(followed) do order[#order + 1] = {symbol, at} end
table.sort(order, function(a, b) if a[2] == b[2] then return a[1] < b[1] end return a[2] < b[2] end)
local dropped, most = {}, tonumber(ARGV[5])
local function drop(symbol)
  if mine.symbols[symbol] then dropped[#dropped + 1] = symbol; mine.symbols[symbol] = nil end
end
if not is_view then
  for i = #order, most + 1, -1 do drop(order[i][1]) end
end
for i = #order, most + 1, -1 do followed[order[i][1]] = nil end
used = math.min(used, most)
if is_view then
  note(viewers, mine.symbols)
  local alone = beside(followed)
  for i = 1, math.min(used + #alone - most, #alone) do drop(alone[i][1]) end
end
keep()
if not is_view and redis.call('EXISTS', KEYS[2]) == 1 then take_back(KEYS[2], tonumber(ARGV[3]), most, followed) end
return {dropped, math.min(used_by_all(), most)}
"""
)
# ARGV[5] all symbols that this program follows: the store may have lost some, or kept some whose release it never heard
# of. ARGV[6] max_subs, -1 where it is not known. Answers used and the viewers that have given way.
RECONCILE = (
    _READ
    + """
local kept, concerned = {}, {}
for i, symbol in ipairs(cjson.decode(ARGV[5])) do kept[symbol] = mine.symbols[symbol] or stamp(i) end
mine.symbols = kept
keep()
if tonumber(ARGV[6]) >= 0 then
  local followed, used = union(false)
  concerned = make_room(followed, used, tonumber(ARGV[6]))
end
return {used_by_all(), concerned}
"""
)
# ARGV[5] all symbols that this viewer follows, ARGV[6] max_subs: keeps those that no program needs the room of; answers
# those it has lost, newest first, and used. What a program has taken back stays lost, however the viewer heard of it.
REVIEW = (
    _READ
    + """
local kept, lost, most = {}, {}, tonumber(ARGV[6])
for i, symbol in ipairs(cjson.decode(ARGV[5])) do kept[symbol] = mine.symbols[symbol] or stamp(i) end
mine.symbols = kept
note(viewers, kept)
local followed, used = with_asked(union(false))
local alone = beside(followed)
for i = 1, math.min(used + #alone - most, #alone) do
  local symbol = alone[i][1]
  viewers[symbol] = nil
  if kept[symbol] then lost[#lost + 1] = symbol; kept[symbol] = nil end
end
keep()
return {lost, used_by_all()}
"""
)
