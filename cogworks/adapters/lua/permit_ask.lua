-- Take a permit for one call, or a place in the queue (LLM-11, LLM-12).
-- KEYS: limits of the key. ARGV: ticket, low water, ms that a silent waiter stays, ms that a probe may take, kind and need of each limit.
local key, ticket, low_water = KEYS[1], ARGV[1], tonumber(ARGV[2])
local now = now_ms()

-- A waiter is one text: place|last seen in ms.
local mine = redis.call('HGET', key, 'q:' .. ticket)
local place = mine and tonumber(string.match(mine, '^(%d+)|')) or redis.call('HINCRBY', key, 'places', 1)
redis.call('HSET', key, 'q:' .. ticket, whole(place) .. '|' .. whole(now))
local ahead, queued = 0, 0
local all = redis.call('HGETALL', key)
for i = 1, #all, 2 do
  if string.sub(all[i], 1, 2) == 'q:' then
    local other, seen = string.match(all[i + 1], '^(%d+)|(%d+)$')
    if tonumber(seen) + tonumber(ARGV[3]) <= now then
      redis.call('HDEL', key, all[i])
    else
      queued = queued + 1
      if tonumber(other) < place then
        ahead = ahead + 1
      end
    end
  end
end

-- Little left: calls are spaced so that what they need lasts until the reset. Nothing left: the reset is waited for.
local gap, low_ends, spent_ends, share = 0, 0, 0, 2
local scarce, scarce_kind = nil, ''
for i = 5, #ARGV, 2 do
  local window = read_window(key, ARGV[i], now)
  if window and window.limit > 0 then
    local left = window.remaining / window.limit
    if left < share then
      share, scarce, scarce_kind = left, window, ARGV[i]
    end
    if window.remaining == 0 then
      spent_ends = math.max(spent_ends, window.ends)
    end
    if left < low_water then
      local calls = math.max(math.floor(window.remaining / math.max(tonumber(ARGV[i + 1]), 1)), 1)
      gap = math.max(gap, math.ceil((window.ends - now) / calls))
      low_ends = math.max(low_ends, window.ends)
    end
  end
end

local paused, limited = moment(key, 'paused'), redis.call('HGET', key, 'limited')
local probe = redis.call('HGET', key, 'probe')
local ready = math.max(paused, spent_ends, gap > 0 and moment(key, 'next') or 0)
local pressure = (gap > 0 or spent_ends > now) and 'low' or 'open'
if limited then
  pressure = paused > now and 'paused' or 'probing'
end

local soon = 200
local wait = 0
if ready > now then
  wait = math.max(ready - now, math.min(ready - now + ahead * gap, math.max(low_ends, ready) - now))
elseif limited and probe and probe ~= ticket and moment(key, 'probe') > now then
  wait = soon
elseif ahead > 0 then
  wait = math.max(soon, math.min(ahead * gap, low_ends - now))
else
  redis.call('HDEL', key, 'q:' .. ticket)
  queued = queued - 1
  if gap > 0 then
    redis.call('HSET', key, 'at:next', whole(now + gap))
  end
  if limited then
    redis.call('HSET', key, 'probe', ticket, 'at:probe', whole(now + tonumber(ARGV[4])))
  end
  local requests = read_window(key, 'requests', now)
  if requests and requests.remaining > 0 then
    requests.remaining = requests.remaining - 1
    write_window(key, 'requests', requests)
  end
end
redis.call('EXPIRE', key, 86400)
scarce = scarce or {remaining = 0, limit = 0, ends = now}
return {
  whole(wait), pressure, scarce_kind, whole(scarce.remaining), whole(scarce.limit), whole(scarce.ends - now),
  whole(math.max(paused - now, 0)), whole(queued),
}
