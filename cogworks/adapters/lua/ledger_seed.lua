-- Start a ledger from the journal's sums, once. Commits from before the start are dropped: their owner sends them again.
-- KEYS: ledger, reservations, ends, log. ARGV: micro-dollars, tokens, time to live in s, number of nodes, node, sum, …, calls…
if redis.call('HEXISTS', KEYS[1], 'seeded') == 1 then
  return {'known'}
end
redis.call('DEL', KEYS[1], KEYS[4])
redis.call('HSET', KEYS[1], 'seeded', '1', 'microusd', ARGV[1], 'tokens', ARGV[2])
local first_call = 5 + 2 * tonumber(ARGV[4])
for i = 5, first_call - 1, 2 do
  redis.call('HSET', KEYS[1], 'n:' .. ARGV[i], ARGV[i + 1])
end
for i = first_call, #ARGV do
  redis.call('HSET', KEYS[1], 'c:' .. ARGV[i], '1')
end
redis.call('EXPIRE', KEYS[1], ARGV[3])
return {'seeded'}
