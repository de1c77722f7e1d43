-- End the leases of a run: lapsed ones, and with `all` those of the living too, who then write nothing more.
-- KEYS: lease, run. ARGV: all (1/0).
local now, all = now_ms(), ARGV[1] == '1'
local step = redis.call('GET', KEYS[1])
if step and all then
  local fence = string.match(step, '|(%d+)$')
  redis.call('DEL', KEYS[1])
  redis.call('HSET', KEYS[2], 'step_ended', fence)
end
for _, field in ipairs(redis.call('HKEYS', KEYS[2])) do
  if string.sub(field, 1, 2) == 'a:' then
    local known = read_attempt(KEYS[2], field)
    if known.ends > 0 and (all or known.ends <= now) then
      known.ends = 0
      write_attempt(KEYS[2], field, known)
    end
  end
end
return {'unlocked'}
