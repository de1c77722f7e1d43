-- Index a dead letter once; one that is known was seen again.
-- KEYS: index (stream), letter (hash). ARGV: key, letter, status, last seen.
if redis.call('EXISTS', KEYS[2]) == 1 then
  if redis.call('HGET', KEYS[2], 'last_seen') < ARGV[4] then
    redis.call('HSET', KEYS[2], 'last_seen', ARGV[4])
  end
  return {'known'}
end
redis.call('HSET', KEYS[2], 'letter', ARGV[2], 'status', ARGV[3], 'last_seen', ARGV[4])
redis.call('XADD', KEYS[1], '*', 'key', ARGV[1])
return {'new'}
