-- Forget what can be read from GitHub again; leases, fences and the stop mark stay, for they protect running work.
-- KEYS: run, open runs. ARGV: item.
for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
  local kind = string.sub(field, 1, 2)
  if kind == 'o:' or kind == 'f:' or field == 'state' or field == 'seq' or field == 'state_fence' then
    redis.call('HDEL', KEYS[1], field)
  end
end
redis.call('SREM', KEYS[2], ARGV[1])
return {'forgotten'}
