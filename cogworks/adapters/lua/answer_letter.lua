-- Answer an open dead letter; only the first answer counts.
-- KEYS: letter (hash). ARGV: status, at, seconds that an answered letter is kept.
if redis.call('HGET', KEYS[1], 'status') ~= 'open' then
  return {'no'}
end
redis.call('HSET', KEYS[1], 'status', ARGV[1], 'last_seen', ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[3])
return {'answered'}
