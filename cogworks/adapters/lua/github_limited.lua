-- Note that GitHub refused a request for a limit, and say for how long nothing is sent (GH-41, GH-42).
-- KEYS: limits of the token. ARGV: primary or secondary; ms that GitHub asked to wait, or ''.
local key, now = KEYS[1], now_ms()
-- Without a time: a minute, doubled each time that it happens again within ten minutes of the last.
local again = moment(key, 'careful') > now and tonumber(redis.call('HGET', key, 'hits') or '0') or 0
local wait = ARGV[2] ~= '' and tonumber(ARGV[2]) or math.min(60000 * 2 ^ again, 3600000)
local ends = math.max(moment(key, 'blocked'), now + wait)
redis.call('HSET', key, 'at:blocked', whole(ends), 'by', ARGV[1])
if ARGV[1] == 'secondary' then
  redis.call('HSET', key, 'at:careful', whole(ends + 600000), 'hits', whole(again + 1))
end
redis.call('EXPIRE', key, 86400)
return {whole(ends - now)}
