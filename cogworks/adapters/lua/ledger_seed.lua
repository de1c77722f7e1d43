-- Start a ledger from the journal's sums, once or again. Calls booked here that the journal does not know stay on top.
-- KEYS: ledger, reservations, ends, log.
-- ARGV: micro-dollars, tokens, time to live in s, again (1/0), number of nodes, number of unanswered calls,
--   node, sum, …, unanswered call, node, micro-dollars, tokens, …, calls that the sums hold …
if redis.call('HEXISTS', KEYS[1], 'seeded') == 1 and ARGV[4] == '0' then
  return {'known'}
end
local first_lost = 7 + 2 * tonumber(ARGV[5])
local first_call = first_lost + 4 * tonumber(ARGV[6])
local held, own = {}, {}
for i = first_call, #ARGV do
  held['c:' .. ARGV[i]] = true
end
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  local kind = string.sub(all[i], 1, 2)
  if kind == 'n:' then
    redis.call('HDEL', KEYS[1], all[i])
  elseif kind == 'c:' and all[i + 1] ~= '' and not held[all[i]] then
    table.insert(own, all[i + 1])
  end
end
redis.call('HSET', KEYS[1], 'seeded', '1', 'microusd', ARGV[1], 'tokens', ARGV[2])
for i = 7, first_lost - 1, 2 do
  redis.call('HSET', KEYS[1], 'n:' .. ARGV[i], ARGV[i + 1])
end
for field in pairs(held) do
  redis.call('HSET', KEYS[1], field, '')
end
for _, text in ipairs(own) do
  local node, microusd, tokens = string.match(text, '^([^|]*)|(%d+)|(%d+)$')
  add_cost(KEYS[1], node, microusd, tokens)
end
for i = first_lost, first_call - 1, 4 do
  book_unanswered(KEYS[2], ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3])
end
redis.call('EXPIRE', KEYS[1], ARGV[3])
redis.call('EXPIRE', KEYS[2], ARGV[3])
return {'seeded'}
