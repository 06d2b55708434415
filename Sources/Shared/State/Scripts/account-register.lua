-- Says which accounts a worker has from its environment, again and again; without it they are gone after a while.
-- KEYS[5..8]: all accounts by serial number, accounts from environments by expiry, departed ones by the time at which
-- they are forgotten, the worker's set. ARGV[3..6]: ms until a registration expires, ms until a departed account is
-- forgotten, a random name for the pool's memory should it be new, '1' when the set has a name.
-- ARGV[7]: how many leases a new account may have at once, or ''.
-- From ARGV[8] on: accounts and their masked credentials.
-- Returns now, the name of the pool's memory and its version.
local accounts, registered, departed, set = KEYS[5], KEYS[6], KEYS[7], KEYS[8]
local lifetime, retention = tonumber(ARGV[3]), tonumber(ARGV[4])
redis.call('HSETNX', pool, 'epoch', ARGV[5])
for position = 8, #ARGV, 2 do
    local id = ARGV[position]
    local key = prefix .. 'account:' .. id
    local origin = redis.call('HGET', key, 'origin')
    -- The same credential may have been stored before; then it is everybody's.
    if origin ~= 'stored' then
        local isNew = not origin
        if isNew then
            redis.call('HSET', key, 'origin', 'environment', 'enabled', '1', 'weight', 1, 'created', now,
                'masked', ARGV[position + 1], 'failures', 0)
            if ARGV[7] ~= '' then
                redis.call('HSET', key, 'concurrency', ARGV[7])
            end
            redis.call('ZADD', accounts, redis.call('HINCRBY', pool, 'serial', 1), id)
        end
        local returns = redis.call('ZREM', departed, id) == 1
        if returns then
            redis.call('HDEL', key, 'absent')
        end
        redis.call('ZADD', registered, now + lifetime, id)
        if isNew or returns then
            place(id)
            announceAccount(id)
        end
    end
    redis.call('SADD', set, id)
end
if ARGV[6] == '1' then
    redis.call('PEXPIRE', set, lifetime)
end
for _, id in ipairs(redis.call('ZRANGEBYSCORE', registered, '-inf', now, 'LIMIT', 0, 64)) do
    redis.call('ZREM', registered, id)
    redis.call('ZADD', departed, now + retention, id)
    redis.call('HSET', prefix .. 'account:' .. id, 'absent', '1')
    place(id)
    announceAccount(id)
end
for _, id in ipairs(redis.call('ZRANGEBYSCORE', departed, '-inf', now, 'LIMIT', 0, 64)) do
    redis.call('ZREM', departed, id)
    redis.call('ZREM', accounts, id)
    redis.call('DEL', prefix .. 'account:' .. id, prefix .. 'cool:' .. id, prefix .. 'leases:' .. id)
    announce({ gone = id })
end
return { now, redis.call('HGET', pool, 'epoch'), tonumber(redis.call('HGET', pool, 'version') or '0') }
