-- What the scripts of limits have in common; it stands before each of them.
--
-- KEYS of all: 1 the window, 2 the charges, 3 the open charges by the end of their lease, 4 the budgets, 5 the charges
-- whose lease has ended, 6 the charges that are settled.
--
-- The window is a hash with the requests and tokens of each sub-window, 'r<n>' and 't<n>', their sums 'r' and 't', and
-- the first sub-window that still counts, 'low'. A charge is a field of the second hash: tokens, cost, sub-window and
-- letters: 's' a stream, 'r' and 't' counted in the window, 'b' reserved for budgets. '+money' and '+tokens' are the
-- sums of what is reserved for budgets.
local clock = redis.call('TIME')
local seconds = tonumber(clock[1])
local now = seconds * 1000 + math.floor(tonumber(clock[2]) / 1000)

-- How long an ended lease and an untouched key are remembered, in seconds.
local MEMORY = 3600

local function has(letters, letter)
    return string.find(letters, letter, 1, true) ~= nil
end

-- Drops the sub-windows that have left the window. Returns what is in it: requests and tokens, the first sub-window
-- that counts, requests and tokens of this one, and whether something was dropped, which it is once a sub-window.
local function roll(bucket, width, buckets)
    local state = redis.call('HMGET', KEYS[1], 'low', 'r', 't', 'r' .. bucket, 't' .. bucket)
    local window = {
        low = tonumber(state[1] or bucket), r = tonumber(state[2] or 0), t = tonumber(state[3] or 0),
        currentR = tonumber(state[4] or 0), currentT = tonumber(state[5] or 0), isNew = false,
    }
    local first = bucket - buckets
    if state[1] and window.low >= first then
        return window
    end
    if first - window.low > 2 * (buckets + 1) then
        -- Only after a jump of the clock: left alone, the hash would have expired before.
        redis.call('DEL', KEYS[1])
        window.r, window.t = 0, 0
    elseif state[1] then
        local names = {}
        for place = window.low, first - 1 do
            names[#names + 1] = 'r' .. place
            names[#names + 1] = 't' .. place
        end
        local past = redis.call('HMGET', KEYS[1], unpack(names))
        for place = 1, #names, 2 do
            window.r = window.r - tonumber(past[place] or 0)
            window.t = window.t - tonumber(past[place + 1] or 0)
        end
        redis.call('HDEL', KEYS[1], unpack(names))
    end
    window.low, window.isNew = first, true
    redis.call('HSET', KEYS[1], 'low', first, 'r', window.r, 't', window.t)
    redis.call('PEXPIRE', KEYS[1], (buckets + 3) * width)
    return window
end

-- Adds to a field, whole numbers of any size: left to itself, a large number would be sent with an exponent.
local function increase(key, field, amount)
    if amount ~= 0 then
        redis.call('HINCRBY', key, field, string.format('%.0f', amount))
    end
end

-- Adds to one sub-window and to the sum.
local function count(unit, bucket, amount)
    redis.call('HINCRBY', KEYS[1], unit .. bucket, amount)
    redis.call('HINCRBY', KEYS[1], unit, amount)
end

-- Removes a charge and what it has reserved for budgets. Returns its tokens, its sub-window and its letters.
local function take(id, record)
    local tokens, cost, bucket, letters = string.match(record, '^(%d+) (%d+) (%d+) (%a*)$')
    -- Negative amounts are written as differences: a negated zero would be sent as '-0', which is no integer.
    redis.call('HDEL', KEYS[2], id)
    if has(letters, 'b') then
        redis.call('HINCRBY', KEYS[2], '+money', 0 - cost)
        redis.call('HINCRBY', KEYS[2], '+tokens', 0 - tokens)
    end
    return tonumber(tokens), tonumber(bucket), letters
end

-- Ends the leases nobody has renewed: tokens, place and budget come back; the request was made and stays counted.
local function collect(bucket, width, buckets)
    local ended = redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', now, 'LIMIT', 0, 500)
    if #ended == 0 then
        return
    end
    local low = roll(bucket, width, buckets).low
    for _, id in ipairs(ended) do
        redis.call('ZREM', KEYS[3], id)
        local record = redis.call('HGET', KEYS[2], id)
        if record then
            local tokens, at, letters = take(id, record)
            if has(letters, 't') and at >= low then
                count('t', at, 0 - tokens)
            end
            redis.call('ZADD', KEYS[5], now, id)
        end
    end
    redis.call('ZREMRANGEBYSCORE', KEYS[5], '-inf', now - MEMORY * 1000)
    redis.call('EXPIRE', KEYS[5], MEMORY)
end

-- The end of the day or of the month, in UTC, that now is in, in seconds since 1970.
local function ending(period)
    local day = math.floor(seconds / 86400)
    if period == 'day' then
        return (day + 1) * 86400
    end
    -- Days are counted from 1 March of the year 0, so that the leap day ends a year.
    local shifted = day + 719468
    local ofEra = shifted % 146097
    local year = math.floor(
        (ofEra - math.floor(ofEra / 1460) + math.floor(ofEra / 36524) - math.floor(ofEra / 146096)) / 365)
    local ofYear = ofEra - (365 * year + math.floor(year / 4) - math.floor(year / 100))
    local month = math.floor((5 * ofYear + 2) / 153)
    local start = day - (ofYear - math.floor((153 * month + 2) / 5))
    if month < 11 then
        return (start + math.floor((153 * (month + 1) + 2) / 5) - math.floor((153 * month + 2) / 5)) * 86400
    end
    -- February: what is left of the year that began in March.
    local following = year + 1
    local isLeap = (following % 4 == 0 and following % 100 ~= 0) or following % 400 == 0
    return (start + (isLeap and 29 or 28)) * 86400
end

-- Reads what budgets have spent, by unit and period ('money.day'), and begins again those whose period is over.
local function spending()
    local spent = {}
    local fields = redis.call('HGETALL', KEYS[4])
    for place = 1, #fields, 2 do
        spent[fields[place]] = tonumber(fields[place + 1])
    end
    for _, period in ipairs({'day', 'month'}) do
        local ends = spent[period .. '.ends']
        if ends and seconds >= ends then
            for _, unit in ipairs({'money.', 'tokens.'}) do
                if spent[unit .. period] then
                    spent[unit .. period] = 0
                    redis.call('HSET', KEYS[4], unit .. period, 0)
                end
            end
            spent[period .. '.ends'] = ending(period)
            redis.call('HSET', KEYS[4], period .. '.ends', spent[period .. '.ends'])
        end
    end
    return spent
end

-- Begins a budget nobody has spent from yet.
local function begin(spent, name)
    local period = string.match(name, '%.(%a+)$')
    if not spent[name] then
        spent[name] = 0
        redis.call('HSET', KEYS[4], name, 0)
    end
    if period ~= 'total' and not spent[period .. '.ends'] then
        spent[period .. '.ends'] = ending(period)
        redis.call('HSET', KEYS[4], period .. '.ends', spent[period .. '.ends'])
    end
end
