-- Renew one attempt's lease: go, cancel or stale. A lease that Redis lost comes back with its owner's fence (RUN-14).
-- KEYS: run, epoch. ARGV: field, outcome field, attempt, fence, starts, owner, lease ms.
local field, attempt, fence = ARGV[1], tonumber(ARGV[3]), tonumber(ARGV[4])
local now = now_ms()
epoch_age_ms(KEYS[2], now)
local known = read_attempt(KEYS[1], field)
if redis.call('HEXISTS', KEYS[1], ARGV[2]) == 1 then
  return {'stale'}
end
if known and (known.attempt ~= attempt or known.fence ~= fence or known.ends == 0) then
  return {'stale'}
end
raise_fence(KEYS[1], fence)
write_attempt(KEYS[1], field, {
  attempt = attempt, fence = fence, ends = now + tonumber(ARGV[7]), starts = tonumber(ARGV[5]), owner = ARGV[6],
})
if redis.call('HEXISTS', KEYS[1], 'stop') == 1 then
  return {'cancel'}
end
return {'go'}
