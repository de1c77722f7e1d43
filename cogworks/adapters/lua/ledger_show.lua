-- Answer committed, reserved and unreconciled (micro-dollars, tokens each), then node and committed sum in turn.
-- KEYS: ledger, reservations, ends, log.
local held = sum_reservations(KEYS[2], now_ms(), nil, nil)
local answer = {
  redis.call('HGET', KEYS[1], 'microusd') or '0', redis.call('HGET', KEYS[1], 'tokens') or '0',
  whole(held.live.microusd), whole(held.live.tokens), whole(held.late.microusd), whole(held.late.tokens),
}
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  if string.sub(all[i], 1, 2) == 'n:' then
    table.insert(answer, string.sub(all[i], 3))
    table.insert(answer, all[i + 1])
  end
end
return answer
