-- Hold the worst case of a call, or say which limit it would pass (RUN-16).
-- KEYS: ledger, reservations, ends, log.
-- ARGV: call, node, micro-dollars, tokens, ms, run limit, token limit, node limit or '', most calls, time to live in s, holder.
local call, node, microusd, tokens = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local now = now_ms()
if redis.call('HEXISTS', KEYS[1], 'c:' .. call) == 1 then
  return {'granted'}
end
local mine = redis.call('HGET', KEYS[2], call)
if mine and read_reservation(mine).holder ~= ARGV[11] then
  return {'in_doubt'}
end
-- A call of this id that went unanswered may be charged besides the one asked for now: it is kept under a name of its own.
local late = mine and read_reservation(mine).ends <= now
local held = sum_reservations(KEYS[2], now, (not late) and call or nil, node)
local spent = tonumber(redis.call('HGET', KEYS[1], 'microusd') or '0')
local used = tonumber(redis.call('HGET', KEYS[1], 'tokens') or '0')
local by_node = tonumber(redis.call('HGET', KEYS[1], 'n:' .. node) or '0')
if held.live.calls >= tonumber(ARGV[9]) then
  return {'busy'}
end
if spent + held.live.microusd + held.late.microusd + microusd > tonumber(ARGV[6]) then
  return {'over_run_limit'}
end
if used + held.live.tokens + held.late.tokens + tokens > tonumber(ARGV[7]) then
  return {'over_token_limit'}
end
if ARGV[8] ~= '' and by_node + held.node + microusd > tonumber(ARGV[8]) then
  return {'over_node_limit'}
end
if late then
  redis.call('HSET', KEYS[2], call .. '~' .. whole(redis.call('HINCRBY', KEYS[1], 'unanswered', 1)), mine)
end
local ends = now + tonumber(ARGV[5])
redis.call('HSET', KEYS[2], call, node .. '|' .. ARGV[3] .. '|' .. ARGV[4] .. '|' .. whole(ends) .. '|' .. ARGV[11])
redis.call('ZADD', KEYS[3], whole(ends), call)
redis.call('EXPIRE', KEYS[1], ARGV[10])
redis.call('EXPIRE', KEYS[2], ARGV[10])
redis.call('EXPIRE', KEYS[3], ARGV[10])
return {'granted'}
