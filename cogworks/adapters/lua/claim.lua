-- Take one attempt, or say why not (RUN-07).
-- KEYS: run, epoch. ARGV: field, outcome field, attempt, owner, fence floor, lease ms, settle ms, most starts, seen (1/0).
local field, outcome, attempt, owner = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local now = now_ms()
local age = epoch_age_ms(KEYS[2], now)
local known = read_attempt(KEYS[1], field)
local same = known and known.attempt == attempt

if redis.call('HEXISTS', KEYS[1], outcome) == 1 then
  return {'done'}
end
if redis.call('HEXISTS', KEYS[1], 'stop') == 1 then
  return {'stopped'}
end
if known and known.attempt > attempt then
  return {'older'}
end
if same and known.ends > now then
  -- The same claim sent again after its answer was lost.
  if known.owner == owner then
    return {'claimed', whole(known.fence), whole(known.starts)}
  end
  return {'live'}
end
if not same and ARGV[9] == '1' and age < tonumber(ARGV[7]) then
  return {'settling'}
end
local starts = same and known.starts or 0
if starts >= tonumber(ARGV[8]) then
  return {'exhausted'}
end
local fence = next_fence(KEYS[1], tonumber(ARGV[5]))
write_attempt(KEYS[1], field, {
  attempt = attempt, fence = fence, ends = now + tonumber(ARGV[6]), starts = starts + 1, owner = owner,
})
return {'claimed', whole(fence), whole(starts + 1)}
