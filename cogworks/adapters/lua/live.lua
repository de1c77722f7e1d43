-- Answer field and attempt of every live lease, in turn.
-- KEYS: run.
local now = now_ms()
local found = {}
for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
  if string.sub(field, 1, 2) == 'a:' then
    local known = read_attempt(KEYS[1], field)
    if known.ends > now then
      table.insert(found, field)
      table.insert(found, whole(known.attempt))
    end
  end
end
return found
