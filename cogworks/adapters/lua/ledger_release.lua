-- End the reservation of a call that its holder certainly did not send; that of another holder stays.
-- KEYS: ledger, reservations, ends, log. ARGV: call, holder or '' for whoever holds it.
local mine = redis.call('HGET', KEYS[2], ARGV[1])
if not mine or (ARGV[2] ~= '' and read_reservation(mine).holder ~= ARGV[2]) then
  return {'not held'}
end
redis.call('HDEL', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[3], ARGV[1])
return {'released'}
