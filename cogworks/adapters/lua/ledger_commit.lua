-- Book what a call cost, once, and end its reservation, late or not.
-- KEYS: ledger, reservations, ends, log. ARGV: call, node, micro-dollars, tokens, time to live in s.
local booked = book_call(KEYS, ARGV[1], ARGV[2], ARGV[3], ARGV[4])
redis.call('EXPIRE', KEYS[1], ARGV[5])
redis.call('EXPIRE', KEYS[4], ARGV[5])
return {booked and 'booked' or 'known'}
