-- Let one request to GitHub pass, now or after a short pause; or say how long nothing is sent (GH-40 to GH-42).
-- KEYS: limits of the token, times of its content-creating writes. ARGV: read, write or content; writes a minute; writes an hour; burst;
-- floor when no repository names one; longest pause in ms before a read, before a write.
local key, writes, kind = KEYS[1], KEYS[2], ARGV[1]
local now = now_ms()
local blocked = moment(key, 'blocked')
if blocked > now then
  return {'limited', whole(blocked - now), redis.call('HGET', key, 'by')}
end
local window = read_window(key, 'core', now)
if window and window.remaining == 0 then
  return {'limited', whole(window.ends - now), 'primary'}
end

if kind == 'read' then
  if not window or window.remaining >= floor_of(key, tonumber(ARGV[5])) then
    return {'go', '0', ''}
  end
  local longest = tonumber(ARGV[6])
  local gap = math.ceil((window.ends - now) / window.remaining)
  if gap > longest then
    -- So little is left that nobody could get through a step with it: it is kept.
    return {'limited', whole(window.ends - now), 'primary'}
  end
  local slot = math.max(now, moment(key, 'read'))
  if slot - now > longest then
    return {'later', whole(slot - now), 'reads'}
  end
  redis.call('HSET', key, 'at:read', whole(slot + gap))
  return {'go', whole(slot - now), 'reads'}
end

local minute, hour, burst = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local slot = now
if moment(key, 'careful') > now then
  slot = math.max(slot, moment(key, 'write') + 1000)
end
local every = minute > 0 and 60000 / minute or 0
if kind == 'content' then
  local newest = redis.call('ZREVRANGE', writes, 0, 0, 'WITHSCORES')[2]
  slot = math.max(slot, tonumber(newest or '0'))
  if minute > 0 then
    slot = math.max(slot, moment(key, 'bucket') - (math.min(burst, minute) - 1) * every)
  end
  -- GitHub counts arrivals, we count departures: a second more than its spans makes up for slow ones.
  for _, span in ipairs({{61000, minute}, {3601000, hour}}) do
    if span[2] > 0 then
      local nth = redis.call('ZREVRANGE', writes, span[2] - 1, span[2] - 1, 'WITHSCORES')[2]
      slot = math.max(slot, nth and tonumber(nth) + span[1] or 0)
    end
  end
end
slot = math.ceil(slot)
if slot - now > tonumber(ARGV[7]) then
  redis.call('HSET', key, 'at:held', whole(slot))
  return {'later', whole(slot - now), 'writes'}
end
redis.call('HSET', key, 'at:write', whole(slot))
if kind == 'content' and (minute > 0 or hour > 0) then
  redis.call('HSET', key, 'at:bucket', whole(math.ceil(math.max(moment(key, 'bucket'), slot) + every)))
  redis.call('ZADD', writes, whole(slot), whole(redis.call('HINCRBY', key, 'writes', 1)))
  redis.call('ZREMRANGEBYSCORE', writes, '-inf', whole(now - 3601000))
  redis.call('EXPIRE', writes, 7200)
end
redis.call('EXPIRE', key, 86400)
return {'go', whole(slot - now), 'writes'}
