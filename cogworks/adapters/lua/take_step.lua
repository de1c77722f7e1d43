-- Take the lease of a run for one step, or count a wake-up for its holder (RUN-02).
-- KEYS: lease, wake, run, epoch. ARGV: token, fence floor, lease ms, settle ms, time to live of the counter in s.
local token, floor = ARGV[1], tonumber(ARGV[2])
local age = epoch_age_ms(KEYS[4], now_ms())
local held = redis.call('GET', KEYS[1])
-- A run that GitHub knows and this young Redis does not: its holder may be alive and about to renew.
local settling = floor > 0 and age < tonumber(ARGV[4]) and redis.call('HEXISTS', KEYS[3], 'fence') == 0
if held then
  local holder, fence = string.match(held, '^([^|]*)|(%d+)$')
  if holder == token then
    return {'taken', fence, redis.call('GET', KEYS[2]) or '0'}
  end
end
if held or settling then
  redis.call('INCR', KEYS[2])
  redis.call('EXPIRE', KEYS[2], ARGV[5])
  return {'held'}
end
local fence = next_fence(KEYS[3], floor)
redis.call('HSET', KEYS[3], 'step_fence', whole(fence))
redis.call('SET', KEYS[1], token .. '|' .. whole(fence), 'PX', ARGV[3])
return {'taken', whole(fence), redis.call('GET', KEYS[2]) or '0'}
