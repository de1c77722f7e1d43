-- Take or keep the lead: yes or no.
-- KEYS: leader. ARGV: owner, ms.
local leader = redis.call('GET', KEYS[1])
if leader and leader ~= ARGV[1] then
  return {'no'}
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return {'yes'}
