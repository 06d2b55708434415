-- A try was right: the address starts afresh, and the try does not count against the user name.
-- KEYS: the failures of the address, those of the user name. ARGV: id of the try.
redis.call('DEL', KEYS[1])
redis.call('ZREM', KEYS[2], ARGV[1])
return 1
