-- Give a step's lease back and tell whether somebody called meanwhile.
-- KEYS: lease, wake, run. ARGV: token, fence, wake-ups when it was taken.
if redis.call('GET', KEYS[1]) == ARGV[1] .. '|' .. ARGV[2] then
  redis.call('DEL', KEYS[1])
end
local last_ended = tonumber(redis.call('HGET', KEYS[3], 'step_ended') or '0')
if last_ended < tonumber(ARGV[2]) then
  redis.call('HSET', KEYS[3], 'step_ended', ARGV[2])
end
if (redis.call('GET', KEYS[2]) or '0') ~= ARGV[3] then
  return {'called'}
end
return {'quiet'}
