-- Ends a lease and draws the consequences of how it went.
-- KEYS[5..10]: hash of the account, its cool-downs, its leases, mark that this failure has been counted, which account
-- the request has penalised, which one requests with the same body have.
-- ARGV[3..7]: account, lease, model, when the lease was granted, outcome: 'success', 'released' or 'failure'.
-- For failures ARGV[8..17]: class, scope ('model', 'account' or 'egress'), first span in ms, factor of growth, longest
-- span, fixed span or 0, how many failures in a row it takes, '1' when a confirmed one disables, request, digest of its
-- body; ARGV[18..23]: digest of the answer, then in ms how long it is known which account a request and a body have
-- penalised, how long a failure waits for its confirmation, how long the mark stays, how long a cool-down is kept in
-- mind after its end.
-- Returns 'done', 'unknown', 'duplicate', 'unconfirmed', 'counted', 'cooled' or 'disabled'.
local id, lease, model, granted, outcome = ARGV[3], ARGV[4], ARGV[5], tonumber(ARGV[6]), ARGV[7]
local account, records, leases = KEYS[5], KEYS[6], KEYS[7]
local partScope = 'm:' .. model

redis.call('ZREM', leases, lease)
if redis.call('EXISTS', account) == 0 then
    return 'unknown'
end
local changed = false

local function rawRecord(scope)
    return decodeRecord(redis.call('HGET', records, scope))
end

-- The model's index hears of the end of a cool-down or probe.
local function release()
    if readIndexes()[model] then
        redis.call('ZREM', prefix .. 'cooling:' .. model, id)
    end
end

if outcome == 'success' then
    for _, scope in ipairs({ '*', partScope }) do
        local record = rawRecord(scope)
        -- Only what began after the cool-down says that its reason is gone.
        if record and (record.l == lease or granted >= record.u) then
            redis.call('HDEL', records, scope)
            if scope == partScope then
                release()
            end
            changed = true
        end
    end
    if redis.call('HGET', account, 'failures') ~= '0' then
        local seen = {}
        for _, name in ipairs(redis.call('HKEYS', account)) do
            if string.sub(name, 1, 5) == 'seen:' then
                seen[#seen + 1] = name
            end
        end
        redis.call('HSET', account, 'failures', 0, 'streak', 0)
        if #seen > 0 then
            redis.call('HDEL', account, unpack(seen))
        end
        changed = true
    end
    if changed or redis.call('ZSCORE', away, id) then
        place(id)
    end
    if changed then
        announceAccount(id)
    end
    return 'done'
end

-- A probe that ends without success leaves its place to the next one.
for _, scope in ipairs({ '*', partScope }) do
    local record = rawRecord(scope)
    if record and record.l == lease then
        record.l = nil
        writeRecord(id, scope, record)
        if scope == partScope and record.u <= now then
            release()
        end
        changed = true
    end
end
if outcome == 'released' then
    if changed or redis.call('ZSCORE', away, id) then
        place(id)
    end
    if changed then
        announceAccount(id)
    end
    return 'done'
end

local class, scope, base, factor, cap, fixed, threshold, disables =
    ARGV[8], ARGV[9], tonumber(ARGV[10]), tonumber(ARGV[11]), tonumber(ARGV[12]), tonumber(ARGV[13]), tonumber(ARGV[14]),
    ARGV[15] == '1'
local request, digest, evidence = ARGV[16], ARGV[17], ARGV[18]
local requestTime, digestTime, confirmTime, markTime, memory =
    ARGV[19], ARGV[20], tonumber(ARGV[21]), ARGV[22], tonumber(ARGV[23])

if not redis.call('SET', KEYS[8], '1', 'PX', markTime, 'NX') then
    place(id)
    return 'duplicate'
end

-- One request, and one body, penalises one account. Says whether this one may penalise the account named.
local function claim(name)
    local first = request ~= '' and redis.call('GET', KEYS[9])
    local second = digest ~= '' and redis.call('GET', KEYS[10])
    if (first and first ~= name) or (second and second ~= name) then
        return false
    end
    if request ~= '' then
        redis.call('SET', KEYS[9], name, 'PX', requestTime, 'NX')
    end
    if digest ~= '' then
        redis.call('SET', KEYS[10], name, 'PX', digestTime, 'NX')
    end
    return true
end

if scope == 'egress' then
    place(id)
    if changed then
        announceAccount(id)
    end
    -- The way out is no account, but the same request must not keep it shut either: it may shut it once.
    local known = (request ~= '' and redis.call('EXISTS', KEYS[9]) == 1)
        or (digest ~= '' and redis.call('EXISTS', KEYS[10]) == 1)
    if known then
        return 'unconfirmed'
    end
    claim('egress')
    local time = math.max(tonumber(redis.call('HGET', pool, 'egress') or '0'), now + base)
    redis.call('HSET', pool, 'egress', time, 'egressClass', class)
    announce({ egress = time, class = class })
    return 'cooled'
end

local field = scope == 'model' and partScope or '*'
redis.call('HINCRBY', account, 'failures', 1)
local seenField = 'seen:' .. class
local seen = nil
local seenText = redis.call('HGET', account, seenField)
if seenText then
    local known = cjson.decode(seenText)
    if known[4] + confirmTime > now and known[1] == field then
        seen = known
    end
end
local isConfirmed = seen ~= nil and request ~= '' and seen[2] ~= request and (digest == '' or seen[3] ~= digest)
local isFirst = claim(id)
if not seen then
    redis.call('HSET', account, seenField, cjson.encode({ field, request, digest, now }))
end

-- Rests the account, or the model on it, longer each time it happens again after a return.
local function cool()
    local record = rawRecord(field)
    local isNew = not record or granted >= record.u
    local function span(repeats)
        if fixed > 0 then
            return fixed
        end
        return math.floor(math.min(cap, base * factor ^ (repeats - 1)))
    end
    if not isNew then
        -- It was under way when the cool-down began: the same trouble, seen once more.
        local time = now + span(record.r)
        if record.u > now and (time <= record.u or (fixed == 0 and record.c == class)) then
            return false
        end
        record.u = time
    else
        local repeats = record and record.c == class and record.r + 1 or 1
        record = { u = now + span(repeats), r = repeats, p = record ~= nil, b = now }
    end
    record.c, record.q, record.d, record.e, record.l = class, request, digest, evidence, nil
    record.k = record.u + math.max(memory, record.u - now)
    -- Some clients know many models: those of least concern are forgotten.
    if redis.call('HLEN', records) >= indexLimit and redis.call('HEXISTS', records, field) == 0 then
        local all, oldest, oldestTime = redis.call('HGETALL', records), nil, nil
        for position = 1, #all, 2 do
            local time = cjson.decode(all[position + 1]).k
            if all[position] ~= '*' and (not oldestTime or time < oldestTime) then
                oldest, oldestTime = all[position], time
            end
        end
        redis.call('HDEL', records, oldest)
    end
    writeRecord(id, field, record)
    if scope == 'model' then
        rest(id, model, record.u)
    end
    return isNew
end

local result = 'unconfirmed'
if isFirst or isConfirmed then
    result = 'counted'
    if disables and isConfirmed then
        redis.call('HSET', account, 'enabled', '0', 'reason', class, 'reasonRequest', request)
        redis.call('HDEL', account, seenField)
        result = 'disabled'
    elseif threshold <= 1 or redis.call('HINCRBY', account, 'streak', 1) >= threshold then
        if cool() then
            result = 'cooled'
        end
    end
end
place(id)
announceAccount(id)
return result
