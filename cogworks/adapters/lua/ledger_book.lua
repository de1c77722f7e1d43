-- Book what an owner knows of its calls, each once: answered ones at their cost, the others as unreconciled.
-- KEYS: ledger, reservations, ends, log. ARGV: time to live in s, then call, node, micro-dollars, tokens, answered (1/0), …
for i = 2, #ARGV, 5 do
  if ARGV[i + 4] == '1' then
    book_call(KEYS, ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3])
  else
    book_unanswered(KEYS[2], ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3])
  end
end
for _, key in ipairs(KEYS) do
  redis.call('EXPIRE', key, ARGV[1])
end
return {redis.call('HEXISTS', KEYS[1], 'seeded') == 1 and 'started' or 'empty'}
