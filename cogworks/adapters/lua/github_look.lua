-- Say how long nothing gets through, and what is left of the primary limit (GH-40).
-- KEYS: limits of the token. ARGV: floor when no repository names one.
local key, now = KEYS[1], now_ms()
local rest = math.max(moment(key, 'blocked') - now, moment(key, 'held') - now, 0)
local window = read_window(key, 'core', now)
local floor = floor_of(key, tonumber(ARGV[1]))
if not window then
  return {whole(rest), '', '', whole(floor), '0'}
end
if window.remaining == 0 then
  rest = math.max(rest, window.ends - now)
end
return {whole(rest), whole(window.remaining), whole(window.limit), whole(floor), whole(window.ends - now)}
