-- Stores a session.
-- KEYS: the session's hash. ARGV: seconds it lives without use, user name, fingerprint of the password.
redis.call('HSET', KEYS[1], 'started', redis.call('TIME')[1], 'user', ARGV[2], 'fingerprint', ARGV[3])
redis.call('EXPIRE', KEYS[1], ARGV[1])
return 1
