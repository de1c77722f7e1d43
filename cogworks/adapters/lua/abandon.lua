-- End an attempt's lease without an outcome; this start has ended in order, so it counts no more.
-- KEYS: run. ARGV: field, attempt, fence.
local known = read_attempt(KEYS[1], ARGV[1])
if known and known.attempt == tonumber(ARGV[2]) and known.fence == tonumber(ARGV[3]) and known.ends > 0 then
  known.ends = 0
  known.starts = math.max(0, known.starts - 1)
  write_attempt(KEYS[1], ARGV[1], known)
  return {'ended'}
end
return {'stale'}
