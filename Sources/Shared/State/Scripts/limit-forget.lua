-- Forgets all about an API key that exists no more.
-- What its last requests have used is still told afterwards; it then goes with this hash, which would else stay for good.
redis.call('DEL', KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5])
redis.call('HSET', KEYS[4], 'removed', seconds)
redis.call('EXPIRE', KEYS[4], 86400)
return 1
