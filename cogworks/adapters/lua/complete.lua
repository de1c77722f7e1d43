-- Store an attempt's outcome and end its lease, if the claim still holds or Redis lost it.
-- KEYS: run. ARGV: field, outcome field, attempt, fence, outcome, owner.
local field, attempt, fence = ARGV[1], tonumber(ARGV[3]), tonumber(ARGV[4])
local known = read_attempt(KEYS[1], field)
if known and (known.attempt ~= attempt or known.fence ~= fence) then
  return {'stale'}
end
if not known and redis.call('HEXISTS', KEYS[1], ARGV[2]) == 1 then
  return {'stale'}
end
raise_fence(KEYS[1], fence)
write_attempt(KEYS[1], field, {attempt = attempt, fence = fence, ends = 0, starts = 0, owner = ARGV[6]})
redis.call('HSET', KEYS[1], ARGV[2], ARGV[5])
return {'stored'}
