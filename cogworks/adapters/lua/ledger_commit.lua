-- Book what a call cost, once, and end its reservation, late or not.
-- KEYS: ledger, reservations, ends, log. ARGV: call, node, micro-dollars, tokens, time to live in s.
redis.call('HDEL', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[3], ARGV[1])
if redis.call('HSETNX', KEYS[1], 'c:' .. ARGV[1], '1') == 0 then
  return {'known'}
end
redis.call('HINCRBY', KEYS[1], 'microusd', ARGV[3])
redis.call('HINCRBY', KEYS[1], 'tokens', ARGV[4])
redis.call('HINCRBY', KEYS[1], 'n:' .. ARGV[2], ARGV[3])
redis.call('XADD', KEYS[4], '*', 'call', ARGV[1], 'node', ARGV[2], 'microusd', ARGV[3], 'tokens', ARGV[4])
redis.call('EXPIRE', KEYS[1], ARGV[5])
redis.call('EXPIRE', KEYS[4], ARGV[5])
return {'booked'}
