-- Reserves a request, its tokens, a place and its cost under a charge id, or says what stands in the way. A charge that
-- is open already is enlarged where it asks for more than it has.
-- ARGV: 1 id, 2 tokens, 3 cost, 4 letters, 5 lease in ms, 6 width of a sub-window in ms, 7 number of sub-windows, 8 to
-- 10 the limits of requests, tokens and open charges (negative: none), 11 '1' to reserve whatever the limits say, then
-- unit.period and amount of each budget. KEYS[6], only with ARGV[11]: the mark of a settled charge.
-- Returns 0 or the limit in the way (1 requests, 2 tokens, 3 open charges, 4 a budget), ms to wait (negative: for
-- ever), place of the budget, requests, ms until none counts, tokens, ms until none counts, then what of each budget is
-- used.
local id, letters = ARGV[1], ARGV[4]
local width, buckets = tonumber(ARGV[6]), tonumber(ARGV[7])
local forced = ARGV[11] == '1'
local bucket = math.floor(now / width)

if forced and redis.call('EXISTS', KEYS[6]) == 1 then
    return {0, 0, 0, 0, 0, 0, 0}
end
collect(bucket, width, buckets)

local requests, tokens, cost = 1, tonumber(ARGV[2]), tonumber(ARGV[3])
local at = bucket
local record = redis.call('HGET', KEYS[2], id)
if record then
    local heldTokens, heldCost, heldAt = string.match(record, '^(%d+) (%d+) (%d+)')
    requests, tokens, cost = 0, math.max(0, tokens - tonumber(heldTokens)), math.max(0, cost - tonumber(heldCost))
    at = heldAt
end

local countsRequests, countsTokens = has(letters, 'r'), has(letters, 't')
local window = {r = 0, t = 0, low = bucket, isNew = true}
if countsRequests or countsTokens then
    window = roll(bucket, width, buckets)
end

-- When the sub-windows that hold the first `excess` units will have left, and when all of them.
local function waits(unit, excess)
    local names = {}
    for place = window.low, bucket do
        names[#names + 1] = unit .. place
    end
    local amounts = redis.call('HMGET', KEYS[1], unpack(names))
    local enough, all, sum = 0, 0, 0
    for place = 1, #names do
        local amount = tonumber(amounts[place] or 0)
        if amount ~= 0 then
            all = (window.low + place + buckets) * width - now
            if sum < excess then
                enough = all
            end
            sum = sum + amount
        end
    end
    return enough, all
end

local kind, wait, place = 0, 0, 0
local used = {}
local additions = {money = cost, tokens = tokens}
if #ARGV > 11 then
    local spent = spending()
    local held = redis.call('HMGET', KEYS[2], '+money', '+tokens')
    local reserved = {money = tonumber(held[1] or 0), tokens = tonumber(held[2] or 0)}
    for argument = 12, #ARGV, 2 do
        local name, amount = ARGV[argument], tonumber(ARGV[argument + 1])
        local unit, period = string.match(name, '^(%a+)%.(%a+)$')
        begin(spent, name)
        local sum, addition = spent[name] + reserved[unit], additions[unit]
        used[#used + 1] = sum
        -- A request of unknown size needs some room as well, or nothing would ever stop it.
        if requests == 1 then
            addition = math.max(addition, 1)
        end
        if kind == 0 and not forced and addition > 0 and sum + addition > amount then
            kind, place = 4, #used
            if spent[name] + addition <= amount then
                -- Only what others have reserved stands in the way; some of it will come back.
                wait = 1000
            elseif period == 'total' then
                wait = -1
            else
                wait = spent[period .. '.ends'] * 1000 - now
            end
        end
    end
end

local requestLimit, tokenLimit, openLimit = tonumber(ARGV[8]), tonumber(ARGV[9]), tonumber(ARGV[10])
local requestReset, tokenReset, _ = 0, 0
local openNow = redis.call('ZCARD', KEYS[3])
if kind == 0 and not forced then
    if countsRequests and requests > 0 and window.r + requests > requestLimit then
        kind = 1
        wait, requestReset = waits('r', window.r + requests - requestLimit)
    end
    if countsTokens and tokens > 0 and window.t + tokens > tokenLimit then
        local tokenWait
        tokenWait, tokenReset = waits('t', window.t + tokens - tokenLimit)
        if tokenWait > wait then
            kind, wait = 2, tokenWait
        end
    end
    if kind == 0 and openLimit >= 0 and requests > 0 and openNow >= openLimit then
        kind, wait = 3, 1000
    end
end

if kind == 0 then
    redis.call('ZADD', KEYS[3], now + tonumber(ARGV[5]), id)
    if not record then
        redis.call('HSET', KEYS[2], id, ARGV[2] .. ' ' .. ARGV[3] .. ' ' .. bucket .. ' ' .. letters)
        if forced then
            -- It comes back from an ended lease, and its request was counted when it was made.
            redis.call('ZREM', KEYS[5], id)
            requests = 0
        end
    elseif tokens > 0 or cost > 0 then
        local heldTokens, heldCost = string.match(record, '^(%d+) (%d+)')
        redis.call('HSET', KEYS[2], id,
            (tokens > 0 and ARGV[2] or heldTokens) .. ' ' .. (cost > 0 and ARGV[3] or heldCost) .. ' ' .. at .. ' '
            .. string.match(record, '(%a*)$'))
    end
    -- Once a sub-window is often enough, but keys that are begun anew have no lifetime yet.
    if window.isNew or openNow == 0 then
        redis.call('EXPIRE', KEYS[2], MEMORY)
        redis.call('EXPIRE', KEYS[3], MEMORY)
    end
    requests, tokens = countsRequests and requests or 0, countsTokens and tokens or 0
    if requests > 0 or tokens > 0 then
        window.r, window.t = window.r + requests, window.t + tokens
        redis.call('HSET', KEYS[1], 'r', window.r, 't', window.t, 'r' .. bucket, window.currentR + requests,
            't' .. bucket, window.currentT + tokens)
    end
    if has(letters, 'b') then
        if cost > 0 then redis.call('HINCRBY', KEYS[2], '+money', cost) end
        if additions.tokens > 0 then redis.call('HINCRBY', KEYS[2], '+tokens', additions.tokens) end
        for number = 1, #used do
            used[number] = used[number] + additions[string.match(ARGV[10 + 2 * number], '^%a+')]
        end
    end
    local all = (bucket + buckets + 1) * width - now
    requestReset = window.r > 0 and all or 0
    tokenReset = window.t > 0 and all or 0
else
    if countsRequests and requestReset == 0 then _, requestReset = waits('r', 0) end
    if countsTokens and tokenReset == 0 then _, tokenReset = waits('t', 0) end
end
return {kind, wait, place, window.r, requestReset, window.t, tokenReset, unpack(used)}
