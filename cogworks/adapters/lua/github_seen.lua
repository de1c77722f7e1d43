-- Note what an answer of GitHub told of its primary limit (GH-40).
-- KEYS: limits of the token. ARGV: limit, remaining, ms to the reset, the reset as GitHub names it.
local now = now_ms()
local seen = {
  limit = tonumber(ARGV[1]), remaining = tonumber(ARGV[2]), ends = now + tonumber(ARGV[3]), name = tonumber(ARGV[4]),
}
note_window(KEYS[1], 'core', seen, now)
redis.call('EXPIRE', KEYS[1], 86400)
return {'noted'}
