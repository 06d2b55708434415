-- Reads the settings together with their version.
-- KEYS: hash of the settings, version.
return { redis.call('GET', KEYS[2]) or '0', redis.call('HGETALL', KEYS[1]) }
