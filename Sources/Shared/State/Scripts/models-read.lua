-- KEYS: hash. ARGV: the version that is known. Returns nothing where it is the present one, else all fields.
if (redis.call('HGET', KEYS[1], ':version') or '') == ARGV[1] then
    return false
end
return redis.call('HGETALL', KEYS[1])
