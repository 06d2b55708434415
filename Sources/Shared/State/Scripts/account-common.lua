-- What the scripts of the account pools share; it is put in front of each of them.
-- KEYS[1]: hash of the pool. KEYS[2]: accounts that can serve, by virtual time. KEYS[3]: accounts that cannot, by the
-- time at which to look at them again. KEYS[4]: models some account rests for, by the time at which the last one returns.
-- ARGV[1]: prefix of the keys that carry the id of an account or a model found on the way. ARGV[2]: channel.
local pool, ready, away, models = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local prefix, channel = ARGV[1], ARGV[2]
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
-- So many models have an index of their own, <prefix>ready:<model>, beside <prefix>cooling:<model> with those that rest.
-- For more of them the accounts are looked through.
local indexLimit = 64
-- An index outlives its last cool-down by so much if nobody comes to drop it.
local indexSlack = 3600000

-- Models with an index, read once: 'indexes' maps each to its time.
local indexes

local function dropIndex(model)
    redis.call('DEL', prefix .. 'ready:' .. model, prefix .. 'cooling:' .. model)
    redis.call('ZREM', models, model)
    indexes[model] = nil
end

local function readIndexes()
    if indexes then
        return indexes
    end
    indexes = {}
    local times = redis.call('ZRANGE', models, 0, -1, 'WITHSCORES')
    for position = 1, #times, 2 do
        indexes[times[position]] = tonumber(times[position + 1])
    end
    for model, time in pairs(indexes) do
        -- All have returned, so the index of all accounts serves as well.
        if time <= now then
            dropIndex(model)
        end
    end
    return indexes
end

-- Takes the account out of the model's index until the time given; false when the model can have no index.
local function rest(id, model, time)
    local known = readIndexes()[model]
    if not known then
        if redis.call('ZCARD', models) >= indexLimit then
            return false
        end
        redis.call('COPY', ready, prefix .. 'ready:' .. model, 'REPLACE')
    end
    if not known or known < time then
        indexes[model] = time
        redis.call('ZADD', models, time, model)
    end
    redis.call('ZADD', prefix .. 'cooling:' .. model, time, id)
    redis.call('ZREM', prefix .. 'ready:' .. model, id)
    redis.call('PEXPIREAT', prefix .. 'ready:' .. model, indexes[model] + indexSlack)
    redis.call('PEXPIREAT', prefix .. 'cooling:' .. model, indexes[model] + indexSlack)
    return true
end

local function withdraw(id)
    redis.call('ZREM', ready, id)
    for model in pairs(readIndexes()) do
        redis.call('ZREM', prefix .. 'ready:' .. model, id)
    end
end

-- A cool-down of an account: 'u' until, 'b' begun, 'c' class of failure, 'r' repeats, 'p' a probe goes first, 'l' the
-- lease of the probe under way, 'k' kept in mind until, 'q' request, 'd' digest of the request, 'e' of the answer.
local function decodeRecord(text)
    if not text then
        return nil
    end
    local record = cjson.decode(text)
    if record.k <= now then
        return nil
    end
    return record
end

local function readRecord(id, scope)
    return decodeRecord(redis.call('HGET', prefix .. 'cool:' .. id, scope))
end

-- Until when the record keeps everybody off: its own time, or that of the probe under way. Nil when it does not.
local function heldUntil(id, record)
    if record.u > now then
        return record.u
    end
    if record.l then
        local expiry = tonumber(redis.call('ZSCORE', prefix .. 'leases:' .. id, record.l) or '0')
        if expiry > now then
            return expiry
        end
    end
    return nil
end

local function writeRecord(id, scope, record)
    local key = prefix .. 'cool:' .. id
    redis.call('HSET', key, scope, cjson.encode(record))
    if redis.call('PTTL', key) < record.k - now then
        redis.call('PEXPIREAT', key, record.k)
    end
end

-- Puts the account where it belongs: among the ready, among those to be looked at later, or nowhere.
local function place(id)
    local account = redis.call('HMGET', prefix .. 'account:' .. id, 'enabled', 'absent', 'concurrency', 'vtime')
    if account[1] ~= '1' or account[2] then
        withdraw(id)
        redis.call('ZREM', away, id)
        return
    end
    local record = readRecord(id, '*')
    local wake = record and heldUntil(id, record)
    if not wake and account[3] then
        local leases = prefix .. 'leases:' .. id
        redis.call('ZREMRANGEBYSCORE', leases, '-inf', now)
        if redis.call('ZCARD', leases) >= tonumber(account[3]) then
            wake = tonumber(redis.call('ZRANGE', leases, 0, 0, 'WITHSCORES')[2])
        end
    end
    if wake then
        withdraw(id)
        redis.call('ZADD', away, wake, id)
        return
    end
    -- Whoever was away does not get all the turns it has missed.
    local floor = tonumber(redis.call('HGET', pool, 'vtime') or '0')
    local vtime = math.max(tonumber(account[4] or '0'), floor)
    redis.call('ZREM', away, id)
    redis.call('ZADD', ready, vtime, id)
    for model in pairs(readIndexes()) do
        if not redis.call('ZSCORE', prefix .. 'cooling:' .. model, id) then
            redis.call('ZADD', prefix .. 'ready:' .. model, vtime, id)
        end
    end
end

-- The account as everybody may know it: the fields of its hash and its cool-downs.
local function describe(id)
    local account = { id = id, f = {}, c = {} }
    local fields = redis.call('HGETALL', prefix .. 'account:' .. id)
    for position = 1, #fields, 2 do
        account.f[fields[position]] = fields[position + 1]
    end
    local records = redis.call('HGETALL', prefix .. 'cool:' .. id)
    for position = 1, #records, 2 do
        account.c[records[position]] = decodeRecord(records[position + 1])
    end
    return account
end

-- Tells all workers. A change has a version, one more than the one before, so that they notice when they missed one.
local function announce(message)
    message.v = redis.call('HINCRBY', pool, 'version', 1)
    message.t = now
    redis.call('PUBLISH', channel, cjson.encode(message))
end

local function announceAccount(id)
    local version = redis.call('HINCRBY', pool, 'version', 1)
    redis.call('HSET', prefix .. 'account:' .. id, 'version', version)
    redis.call('PUBLISH', channel, cjson.encode({ v = version, t = now, a = describe(id) }))
end

