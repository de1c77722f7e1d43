-- Renew a step's lease: go or stale. A lease that Redis lost comes back unless a newer step ran or this one ended.
-- KEYS: lease, run, epoch. ARGV: token, fence, lease ms.
local fence = tonumber(ARGV[2])
local mine = ARGV[1] .. '|' .. ARGV[2]
epoch_age_ms(KEYS[3], now_ms())
local held = redis.call('GET', KEYS[1])
if held and held ~= mine then
  return {'stale'}
end
if not held then
  local newest = tonumber(redis.call('HGET', KEYS[2], 'step_fence') or '0')
  local ended = tonumber(redis.call('HGET', KEYS[2], 'step_ended') or '0')
  if newest > fence or ended >= fence then
    return {'stale'}
  end
end
redis.call('HSET', KEYS[2], 'step_fence', ARGV[2])
raise_fence(KEYS[2], fence)
redis.call('SET', KEYS[1], mine, 'PX', ARGV[3])
return {'go'}
