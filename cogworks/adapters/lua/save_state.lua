-- Store a run's state unless a newer owner or a later state of the same owner is there.
-- KEYS: run, open runs. ARGV: state, seq, fence, open (1/0), item, time to live of a closed run in s.
local seq, fence = tonumber(ARGV[2]), tonumber(ARGV[3])
local known_fence = tonumber(redis.call('HGET', KEYS[1], 'state_fence') or '-1')
local known_seq = tonumber(redis.call('HGET', KEYS[1], 'seq') or '-1')
if known_fence > fence or (known_fence == fence and known_seq > seq) then
  return {'stale'}
end
raise_fence(KEYS[1], fence)
redis.call('HSET', KEYS[1], 'state', ARGV[1], 'seq', ARGV[2], 'state_fence', ARGV[3])
if ARGV[4] == '1' then
  redis.call('PERSIST', KEYS[1])
  redis.call('SADD', KEYS[2], ARGV[5])
else
  redis.call('EXPIRE', KEYS[1], ARGV[6])
  redis.call('SREM', KEYS[2], ARGV[5])
end
return {'stored'}
