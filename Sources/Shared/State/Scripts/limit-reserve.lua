-- Reserves requests, their tokens, places and cost under charge ids, or says what stands in the way; one after the other,
-- each with what those before it were given. A charge that is open already is enlarged where it asks for more than it has.
-- ARGV: 1 lease in ms, 2 width of a sub-window in ms, 3 number of sub-windows, 4 to 6 the limits of requests, tokens and
-- open charges (negative: none), 7 '1' to reserve whatever the limits say, 8 number of budgets, then unit.period and
-- amount of each, then id, tokens, cost and letters of each charge. KEYS[6]: the charges that are settled.
-- Returns numbers in a string, which is read faster than a list: requests, ms until none counts, tokens, ms until none
-- counts, what of each budget is used; then for each charge 0 with the requests and tokens when it was admitted, or the
-- limit in the way (1 requests, 2 tokens, 3 open charges, 4 a budget), ms to wait (negative: for ever) and place of the
-- budget.
local lease, width, buckets = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local requestLimit, tokenLimit, openLimit = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local forced = ARGV[7] == '1'
local budgetCount = tonumber(ARGV[8])
local first = 9 + 2 * budgetCount
local countsRequests, countsTokens = requestLimit >= 0, tokenLimit >= 0
local bucket = math.floor(now / width)

local ids = {}
for place = first, #ARGV, 4 do
    ids[#ids + 1] = ARGV[place]
end
collect(bucket, width, buckets)
local settled = forced and redis.call('ZMSCORE', KEYS[6], unpack(ids)) or {}
local records = redis.call('HMGET', KEYS[2], '+money', '+tokens', unpack(ids))
local reserved = {money = tonumber(records[1] or 0), tokens = tonumber(records[2] or 0)}
local known = {}
for number, id in ipairs(ids) do
    known[id] = records[number + 2]
end
local openNow = redis.call('ZCARD', KEYS[3])
local wasEmpty = openNow == 0
local window = {r = 0, t = 0, low = bucket, isNew = true}
if countsRequests or countsTokens then
    window = roll(bucket, width, buckets)
end

local budgets = {}
if budgetCount > 0 then
    local spent = spending()
    for number = 1, budgetCount do
        local name = ARGV[7 + 2 * number]
        local unit, period = string.match(name, '^(%a+)%.(%a+)$')
        begin(spent, name)
        budgets[number] = {
            unit = unit, spent = spent[name], amount = tonumber(ARGV[8 + 2 * number]),
            ends = spent[period .. '.ends'],
        }
    end
end

local added = {r = 0, t = 0, money = 0, tokens = 0}
local past = {}

-- When the sub-windows that hold the first `excess` units will have left, and when all of them.
local function waits(unit, excess)
    if not past[unit] then
        local names = {}
        for place = window.low, bucket do
            names[#names + 1] = unit .. place
        end
        past[unit] = redis.call('HMGET', KEYS[1], unpack(names))
    end
    local enough, all, sum = 0, 0, 0
    local count = bucket - window.low + 1
    for place = 1, count do
        local amount = tonumber(past[unit][place] or 0) + (place == count and added[unit] or 0)
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

-- What stands in the way of so much more, if anything: kind, ms to wait, place of the budget.
local function obstacle(requests, tokens, cost)
    for number, budget in ipairs(budgets) do
        local addition = budget.unit == 'money' and cost or tokens
        -- A request of unknown size needs some room as well, or nothing would ever stop it.
        if requests == 1 then
            addition = math.max(addition, 1)
        end
        if addition > 0 and budget.spent + reserved[budget.unit] + addition > budget.amount then
            if budget.spent + addition <= budget.amount then
                -- Only what others have reserved stands in the way; some of it will come back.
                return 4, 1000, number
            end
            return 4, budget.ends and budget.ends * 1000 - now or -1, number
        end
    end
    local kind, wait = 0, 0
    if countsRequests and requests > 0 and window.r + requests > requestLimit then
        kind, wait = 1, (waits('r', window.r + requests - requestLimit))
    end
    if countsTokens and tokens > 0 and window.t + tokens > tokenLimit then
        local tokenWait = waits('t', window.t + tokens - tokenLimit)
        if tokenWait > wait then
            kind, wait = 2, tokenWait
        end
    end
    if kind == 0 and openLimit >= 0 and requests > 0 and openNow >= openLimit then
        return 3, 1000, 0
    end
    return kind, wait, 0
end

local verdicts, leases, entries = {}, {}, {}
for number, id in ipairs(ids) do
    local place = first + 4 * (number - 1)
    local requests, tokens, cost = 1, tonumber(ARGV[place + 1]), tonumber(ARGV[place + 2])
    local record, heldTokens, heldCost, at, letters = known[id], nil, nil, nil, nil
    if record then
        heldTokens, heldCost, at, letters = string.match(record, '^(%d+) (%d+) (%d+) (%a*)$')
        requests, tokens, cost = 0, math.max(0, tokens - tonumber(heldTokens)), math.max(0, cost - tonumber(heldCost))
    end
    local kind, wait, budget = 0, 0, 0
    if not forced then
        kind, wait, budget = obstacle(requests, tokens, cost)
    end
    if kind ~= 0 then
        verdicts[number] = string.format('%d %.0f %d', kind, wait, budget)
    else
        if not settled[number] then
            leases[#leases + 1] = now + lease
            leases[#leases + 1] = id
            if record then
                entries[#entries + 1] = id
                entries[#entries + 1] = (tokens > 0 and ARGV[place + 1] or heldTokens) .. ' '
                    .. (cost > 0 and ARGV[place + 2] or heldCost) .. ' ' .. at .. ' ' .. letters
            else
                entries[#entries + 1] = id
                entries[#entries + 1] = ARGV[place + 1] .. ' ' .. ARGV[place + 2] .. ' ' .. bucket .. ' '
                    .. ARGV[place + 3]
                openNow = openNow + 1
                if forced then
                    -- It comes back from an ended lease, and its request was counted when it was made.
                    redis.call('ZREM', KEYS[5], id)
                    requests = 0
                end
            end
            known[id] = entries[#entries]
            if countsRequests then
                window.r, added.r = window.r + requests, added.r + requests
            end
            if countsTokens then
                window.t, added.t = window.t + tokens, added.t + tokens
            end
            added.money, reserved.money = added.money + cost, reserved.money + cost
            added.tokens, reserved.tokens = added.tokens + tokens, reserved.tokens + tokens
        end
        verdicts[number] = string.format('0 %.0f %.0f', window.r, window.t)
    end
end

if #leases > 0 then
    redis.call('ZADD', KEYS[3], unpack(leases))
    redis.call('HSET', KEYS[2], unpack(entries))
    -- Once a sub-window is often enough, but keys that are begun anew have no lifetime yet.
    if window.isNew or wasEmpty then
        redis.call('EXPIRE', KEYS[2], MEMORY)
        redis.call('EXPIRE', KEYS[3], MEMORY)
    end
    if added.r > 0 or added.t > 0 then
        redis.call('HSET', KEYS[1], 'r', window.r, 't', window.t, 'r' .. bucket, window.currentR + added.r,
            't' .. bucket, window.currentT + added.t)
    end
    if budgetCount > 0 then
        increase(KEYS[2], '+money', added.money)
        increase(KEYS[2], '+tokens', added.tokens)
    end
end

local requestReset, tokenReset, _ = 0, 0, 0
if #leases > 0 then
    local all = (bucket + buckets + 1) * width - now
    requestReset = window.r > 0 and all or 0
    tokenReset = window.t > 0 and all or 0
else
    if countsRequests then _, requestReset = waits('r', 0) end
    if countsTokens then _, tokenReset = waits('t', 0) end
end
local answer = {string.format('%.0f %.0f %.0f %.0f', window.r, requestReset, window.t, tokenReset)}
for _, budget in ipairs(budgets) do
    answer[#answer + 1] = string.format('%.0f', budget.spent + reserved[budget.unit])
end
answer[#answer + 1] = table.concat(verdicts, ' ')
return table.concat(answer, ' ')
