-- Forget a run's sums, reservations and booked calls: another run takes its place.
-- KEYS: ledger, reservations, ends, log.
redis.call('DEL', KEYS[1], KEYS[2], KEYS[3], KEYS[4])
return {'forgotten'}
