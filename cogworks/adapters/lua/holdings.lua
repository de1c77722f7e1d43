-- Answer who holds a run, in turn: what, attempt, owner, ms that are left (less than 0: lapsed).
-- KEYS: lease, run.
local now = now_ms()
local found = {}
local step = redis.call('GET', KEYS[1])
if step then
  local left = redis.call('PTTL', KEYS[1])
  for _, word in ipairs({'step', '0', '', whole(left)}) do table.insert(found, word) end
end
for _, field in ipairs(redis.call('HKEYS', KEYS[2])) do
  if string.sub(field, 1, 2) == 'a:' then
    local known = read_attempt(KEYS[2], field)
    if known.ends > 0 then
      for _, word in ipairs({field, whole(known.attempt), known.owner, whole(known.ends - now)}) do
        table.insert(found, word)
      end
    end
  end
end
return found
