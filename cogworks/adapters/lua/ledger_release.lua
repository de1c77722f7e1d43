-- End the reservation of a call that was certainly not sent.
-- KEYS: ledger, reservations, ends, log. ARGV: call.
redis.call('HDEL', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[3], ARGV[1])
return {'released'}
