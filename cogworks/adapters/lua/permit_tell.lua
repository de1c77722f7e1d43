-- Note what became of a call and what is left, and say how the key stands (LLM-10, LLM-12).
-- KEYS: limits of the key. ARGV: answered, limited, failed, left or looked; ticket; ms to pause; low water; ms that a silent waiter stays;
-- then of each limit that the answer told: kind, limit, remaining, ms to its end, its end as the provider names it.
local key, event, ticket, low_water = KEYS[1], ARGV[1], ARGV[2], tonumber(ARGV[4])
local now = now_ms()
for i = 6, #ARGV, 5 do
  local seen = {
    limit = tonumber(ARGV[i + 1]), remaining = tonumber(ARGV[i + 2]), ends = now + tonumber(ARGV[i + 3]),
    name = tonumber(ARGV[i + 4]),
  }
  note_window(key, ARGV[i], seen, now)
end
local probes = redis.call('HGET', key, 'probe') == ticket
if event == 'limited' then
  redis.call('HSET', key, 'at:paused', whole(math.max(moment(key, 'paused'), now + tonumber(ARGV[3]))), 'limited', '1')
  redis.call('HDEL', key, 'probe', 'at:probe')
elseif probes and event == 'answered' then
  redis.call('HDEL', key, 'limited', 'probe', 'at:probe', 'at:paused')
elseif probes and event == 'failed' then
  redis.call('HDEL', key, 'probe', 'at:probe')
end
if event ~= 'looked' then
  redis.call('HDEL', key, 'q:' .. ticket)
end

local share, scarce, scarce_kind, queued = 2, {remaining = 0, limit = 0, ends = now}, '', 0
local all = redis.call('HGETALL', key)
for i = 1, #all, 2 do
  local prefix, name = string.sub(all[i], 1, 2), string.sub(all[i], 3)
  if prefix == 'q:' and tonumber(string.match(all[i + 1], '|(%d+)$')) + tonumber(ARGV[5]) > now then
    queued = queued + 1
  elseif prefix == 'w:' then
    local window = read_window(key, name, now)
    if window and window.limit > 0 and window.remaining / window.limit < share then
      share, scarce, scarce_kind = window.remaining / window.limit, window, name
    end
  end
end
local paused = moment(key, 'paused')
local pressure = share < low_water and 'low' or 'open'
if redis.call('HGET', key, 'limited') then
  pressure = paused > now and 'paused' or 'probing'
end
local changed = '0'
if event ~= 'looked' then
  changed = redis.call('HGET', key, 'told') ~= pressure and '1' or '0'
  redis.call('HSET', key, 'told', pressure)
  redis.call('EXPIRE', key, 86400)
end
return {
  changed, pressure, scarce_kind, whole(scarce.remaining), whole(scarce.limit), whole(scarce.ends - now),
  whole(math.max(paused - now, 0)), whole(queued),
}
