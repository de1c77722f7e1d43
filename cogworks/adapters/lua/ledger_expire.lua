-- Answer how many reservations went past their end since the last time; they count as unreconciled from then on.
-- KEYS: ledger, reservations, ends, log.
return {whole(redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', whole(now_ms())))}
