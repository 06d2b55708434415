-- Replaces what charges have reserved by what they have used; each once, however often it is asked.
-- ARGV: 1 and 2 seconds to remember charges that are settled, and those that were admitted without Redis, 3 width of a
-- sub-window in ms, 4 number of sub-windows, 5 number of budgets, then unit.period of each, then of each charge id, tokens,
-- cost and letters: 'r' and 't' what to count in the window if the charge is not known, 'l' it was admitted without
-- Redis, 'm' this may have run before.
-- KEYS[6]: the charges that are settled, by when to forget it.
-- Returns how many were counted now.
local width, buckets = tonumber(ARGV[3]), tonumber(ARGV[4])
local budgetCount = tonumber(ARGV[5])
local first = 6 + budgetCount
local bucket = math.floor(now / width)
local ids = {}
for place = first, #ARGV, 4 do
    ids[#ids + 1] = ARGV[place]
end
-- Comes first: a script that has written may go on writing when the memory is full.
redis.call('ZREM', KEYS[3], unpack(ids))

local records = redis.call('HMGET', KEYS[2], unpack(ids))
local marks = redis.call('ZMSCORE', KEYS[6], unpack(ids))
local low = nil
local removed, marked, changes = {}, {}, {}
local heldMoney, heldTokens, usedMoney, usedTokens, counted = 0, 0, 0, 0, 0
local seen = {}

local function change(unit, at, amount)
    if not low then
        low = roll(bucket, width, buckets).low
    end
    if at >= low then
        changes[unit .. at] = (changes[unit .. at] or 0) + amount
        changes[unit] = (changes[unit] or 0) + amount
    end
end

for number, id in ipairs(ids) do
    local place = first + 4 * (number - 1)
    local given = ARGV[place + 3]
    local record = not seen[id] and records[number]
    local wasEnded = not record and redis.call('ZREM', KEYS[5], id) == 1
    local held, at, letters = 0, bucket, given
    if record then
        local cost
        held, cost, at, letters = string.match(record, '^(%d+) (%d+) (%d+) (%a*)$')
        held, at = tonumber(held), tonumber(at)
        removed[#removed + 1] = id
        if has(letters, 'b') then
            heldMoney, heldTokens = heldMoney + tonumber(cost), heldTokens + held
        end
    end
    local isFirst = not seen[id] and not (marks[number] and tonumber(marks[number]) > now)
    seen[id] = true
    if isFirst then
        marked[#marked + 1] = now + 1000 * tonumber(has(given, 'l') and ARGV[2] or ARGV[1])
        marked[#marked + 1] = id
    end
    -- Without a trace of the charge, who may have been here before has been here before.
    local counts = isFirst and (record or wasEnded or not has(given, 'm'))
    local tokens = counts and tonumber(ARGV[place + 1]) or 0
    if has(letters, 't') and tokens ~= held then
        change('t', tokens > held and bucket or at, tokens - held)
    end
    if counts then
        if not record and not wasEnded and has(letters, 'r') then
            -- Admitted while nobody here could be asked.
            change('r', bucket, 1)
        end
        counted = counted + 1
        usedTokens, usedMoney = usedTokens + tokens, usedMoney + tonumber(ARGV[place + 2])
    end
end

if #removed > 0 then
    redis.call('HDEL', KEYS[2], unpack(removed))
end
increase(KEYS[2], '+money', -heldMoney)
increase(KEYS[2], '+tokens', -heldTokens)
if #marked > 0 then
    redis.call('ZADD', KEYS[6], unpack(marked))
    redis.call('ZREMRANGEBYSCORE', KEYS[6], '-inf', now)
    redis.call('EXPIRE', KEYS[6], MEMORY)
end
for field, amount in pairs(changes) do
    increase(KEYS[1], field, amount)
end
if counted > 0 and budgetCount > 0 then
    local spent = spending()
    for number = 1, budgetCount do
        local name = ARGV[5 + number]
        begin(spent, name)
        increase(KEYS[4], name, string.find(name, '^money') and usedMoney or usedTokens)
    end
end
return counted
