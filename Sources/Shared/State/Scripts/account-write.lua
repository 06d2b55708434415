-- Stores a new account, or changes fields of one.
-- KEYS[5..8]: hash of the account, its cool-downs, all accounts by serial number, departed ones.
-- ARGV[3]: account. ARGV[4]: 'add' or 'change'. ARGV[5]: '1' when the credential is another one now. ARGV[6]: a random
-- name for the pool's memory should it be new. ARGV[7]: how many fields are set, then names and values, then fields to
-- remove.
-- Returns the account as text, or nothing when there is one already or none to change.
local id, isNew = ARGV[3], ARGV[4] == 'add'
local account, records, accounts, departed = KEYS[5], KEYS[6], KEYS[7], KEYS[8]
redis.call('HSETNX', pool, 'epoch', ARGV[6])
if isNew then
    -- An account that no environment has any more is taken over.
    if redis.call('EXISTS', account) == 1 and redis.call('ZREM', departed, id) == 0 then
        return false
    end
    redis.call('DEL', account, records)
    redis.call('HSET', account, 'origin', 'stored', 'enabled', '1', 'weight', 1, 'created', now, 'failures', 0)
    redis.call('ZADD', accounts, redis.call('HINCRBY', pool, 'serial', 1), id)
elseif redis.call('EXISTS', account) == 0 then
    return false
end
local last = 7 + tonumber(ARGV[7]) * 2
for position = 8, last, 2 do
    redis.call('HSET', account, ARGV[position], ARGV[position + 1])
end
for position = last + 1, #ARGV do
    redis.call('HDEL', account, ARGV[position])
end
if ARGV[5] == '1' and not isNew then
    -- What was held against the old credential says nothing about the new one.
    if redis.call('HGET', account, 'reason') == 'credentials_refused' then
        redis.call('HSET', account, 'enabled', '1')
        redis.call('HDEL', account, 'reason', 'reasonRequest')
    end
    redis.call('HDEL', account, 'seen:credentials_refused')
    local record = readRecord(id, '*')
    if record and record.c == 'credentials_refused' then
        redis.call('HDEL', records, '*')
    end
end
place(id)
announceAccount(id)
return cjson.encode(describe(id))
