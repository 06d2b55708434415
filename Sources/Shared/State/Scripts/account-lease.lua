-- Leases the preferred account if it can serve, else the one whose turn it is.
-- ARGV[3..8]: model, lease, its lifetime in ms, preferred account or '', set of accounts from the environment that the
-- worker has, or '', until when it waits for the answer. From ARGV[9] on: accounts that must not be taken.
-- Returns 'ok', account, now, expiry, '1' for a probe and the fields below; or 'none', now, the time at which the next one
-- may return (0 when none does) and the class of its failure; or 'unregistered' when the set is not known; or 'late', now.
local model, lease, lifetime = ARGV[3], ARGV[4], tonumber(ARGV[5])
local preferred, environment = ARGV[6], ARGV[7]
local excluded = {}
for position = 9, #ARGV do
    excluded[ARGV[position]] = true
end
if now > tonumber(ARGV[8]) then
    return { 'late', now }
end
local partScope = 'm:' .. model
local state = redis.call('HMGET', pool, 'egress', 'egressClass', 'vtime')
local floor = tonumber(state[3] or '0')
if tonumber(state[1] or '0') > now then
    return { 'none', now, tonumber(state[1]), state[2] or '' }
end

local soonest, soonestClass = nil, ''
local function note(time, class)
    if time and (not soonest or time < soonest) then
        soonest, soonestClass = time, class
    end
end

-- Moves some of those whose time has come; returns how many.
local function wake()
    local due = redis.call('ZRANGEBYSCORE', away, '-inf', now, 'LIMIT', 0, 32)
    for _, id in ipairs(due) do
        place(id)
    end
    local count = #due
    if readIndexes()[model] then
        local cooling = prefix .. 'cooling:' .. model
        due = redis.call('ZRANGEBYSCORE', cooling, '-inf', now, 'LIMIT', 0, 32)
        count = count + #due
        for _, id in ipairs(due) do
            redis.call('ZREM', cooling, id)
            local record = readRecord(id, partScope)
            local held = record and heldUntil(id, record)
            if held then
                rest(id, model, held)
            else
                local vtime = redis.call('ZSCORE', ready, id)
                if vtime then
                    redis.call('ZADD', prefix .. 'ready:' .. model, vtime, id)
                end
            end
        end
    end
    return count
end

local function grant(id, account, whole, part, inTurn)
    local expiry = now + lifetime
    local leases = prefix .. 'leases:' .. id
    redis.call('ZADD', leases, expiry, lease)
    redis.call('PEXPIRE', leases, lifetime * 2)
    local vtime = math.max(tonumber(account[5] or '0'), floor)
    if inTurn and vtime > floor then
        redis.call('HSET', pool, 'vtime', vtime)
    end
    vtime = vtime + 1 / tonumber(account[4] or '1')
    redis.call('HSET', prefix .. 'account:' .. id, 'vtime', vtime, 'lastUsed', now)
    local isProbe = '0'
    if whole and whole.p then
        whole.l = lease
        writeRecord(id, '*', whole)
        isProbe = '1'
    end
    if part and part.p then
        part.l = lease
        writeRecord(id, partScope, part)
        rest(id, model, expiry)
        isProbe = '1'
    end
    local limit = tonumber(account[3])
    if (whole and whole.p) or (limit and redis.call('ZCARD', leases) >= limit) then
        place(id)
    else
        redis.call('ZADD', ready, 'XX', vtime, id)
        for other in pairs(readIndexes()) do
            redis.call('ZADD', prefix .. 'ready:' .. other, 'XX', vtime, id)
        end
    end
    if isProbe == '1' then
        announceAccount(id)
    end
    return { 'ok', id, now, expiry, isProbe, account[6], account[4], account[3], account[7], account[8], account[9],
        account[10], account[11], account[12], account[13] }
end

local function consider(id, inTurn)
    if excluded[id] then
        return nil
    end
    local account = redis.call('HMGET', prefix .. 'account:' .. id, 'enabled', 'absent', 'concurrency', 'weight', 'vtime',
        'origin', 'credential', 'note', 'tags', 'created', 'failures', 'masked', 'version')
    if account[1] ~= '1' or account[2] then
        return nil
    end
    if account[6] == 'environment'
        and (environment == '' or redis.call('SISMEMBER', prefix .. 'set:' .. environment, id) == 0) then
        return nil
    end
    local records = redis.call('HMGET', prefix .. 'cool:' .. id, '*', partScope)
    local whole, part = decodeRecord(records[1]), decodeRecord(records[2])
    local wholeUntil = whole and heldUntil(id, whole)
    local partUntil = part and heldUntil(id, part)
    if wholeUntil or partUntil then
        note(math.max(wholeUntil or 0, partUntil or 0), (partUntil and part or whole).c)
        return nil
    end
    if account[3] then
        local leases = prefix .. 'leases:' .. id
        redis.call('ZREMRANGEBYSCORE', leases, '-inf', now)
        if redis.call('ZCARD', leases) >= tonumber(account[3]) then
            return nil
        end
    end
    return grant(id, account, whole, part, inTurn)
end

local function turn()
    local index = readIndexes()[model] and prefix .. 'ready:' .. model or ready
    local start, page = 0, nil
    repeat
        page = redis.call('ZRANGE', index, start, start + 15)
        for _, id in ipairs(page) do
            local granted = consider(id, true)
            if granted then
                return granted
            end
        end
        start = start + 16
    until #page < 16
    return nil
end

if environment ~= '' and redis.call('EXISTS', prefix .. 'set:' .. environment) == 0 then
    return { 'unregistered' }
end
local woken = wake()
local granted
if preferred ~= '' then
    granted = consider(preferred, false)
end
while not granted do
    granted = turn()
    if granted then
        break
    end
    woken = wake()
    if woken == 0 then
        break
    end
end
if granted then
    return granted
end
for _, id in ipairs(redis.call('ZRANGE', away, 0, 7)) do
    local record = readRecord(id, '*')
    note(tonumber(redis.call('ZSCORE', away, id)), record and record.u > now and record.c or 'busy')
end
if readIndexes()[model] then
    local first = redis.call('ZRANGE', prefix .. 'cooling:' .. model, 0, 0, 'WITHSCORES')
    if first[1] then
        local record = readRecord(first[1], partScope)
        note(tonumber(first[2]), record and record.c or '')
    end
end
return { 'none', now, soonest or 0, soonestClass }
