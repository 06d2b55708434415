-- Binds a seed to an account, unless it is bound to another one already.
-- KEYS: the seed. ARGV: the account, the one that it may take the place of or '', why, seconds to keep the seed.
-- Returns the account that the seed is bound to now, and '1' where that is this call's doing.
local known = redis.call('HGET', KEYS[1], 'account')
if known and known ~= ARGV[2] then
    redis.call('EXPIRE', KEYS[1], ARGV[4])
    return { known, '0' }
end
local now = redis.call('TIME')[1]
redis.call('HSET', KEYS[1], 'account', ARGV[1], 'bound', now)
redis.call('HSETNX', KEYS[1], 'created', now)
if known then
    redis.call('HINCRBY', KEYS[1], 'moves', 1)
    redis.call('HSET', KEYS[1], 'note', ARGV[3])
end
redis.call('EXPIRE', KEYS[1], ARGV[4])
return { ARGV[1], '1' }
