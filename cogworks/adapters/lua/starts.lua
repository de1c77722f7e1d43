-- Answer how often an attempt was started without an end, whether it is held, and its last owner.
-- KEYS: run. ARGV: field, attempt.
local known = read_attempt(KEYS[1], ARGV[1])
if not known or known.attempt ~= tonumber(ARGV[2]) then
  return {'none'}
end
return {whole(known.starts), known.ends > now_ms() and 'held' or 'free', known.owner}
