-- Writes a batch of one worker's finished requests, once: adds them to the hashes of their hours and appends their rows
-- to the log. A field of a hash holds the sums of one id as 13 numbers.
-- KEYS: number of the worker's last batch, log, then for each hour the hashes by key, model, provider and account.
-- ARGV: number of this batch, number of the first whose answer the worker misses, seconds to keep the number, seconds to
-- keep a hash, length of the log, how many ids each of the four hashes may have, then records of 19: hour (0 is the first
-- among KEYS), four ids or '', 13 amounts, row or ''.
-- Returns the number of the worker's last batch: less than this one's when an earlier batch is missing.

-- What the worker has an answer for counts as written even if Redis has lost its memory since.
local last = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), ARGV[2] - 1)
local number = tonumber(ARGV[1])
if number ~= last + 1 then
    return last
end
-- First of all, so that a script that fails half-way is not repeated.
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[3])

local totals, counts, expiring = {}, {}, {}

local function read(place, id)
    local text = redis.call('HGET', KEYS[place], id)
    local total = { id = id }
    if text then
        for amount in string.gmatch(text, '%d+') do
            total[#total + 1] = tonumber(amount)
        end
    end
    for field = #total + 1, 13 do
        total[field] = 0
    end
    return total, not text
end

local function find(place, dimension, id)
    local ids = totals[place]
    if not ids then
        ids = {}
        totals[place] = ids
    end
    local total = ids[id]
    if total then
        return total
    end
    local is_new
    total, is_new = read(place, id)
    if is_new then
        local count = counts[place] or redis.call('HLEN', KEYS[place])
        if count >= tonumber(ARGV[5 + dimension]) and id ~= 'other' then
            total = find(place, dimension, 'other')
        else
            counts[place] = count + 1
            expiring[place] = true
        end
    end
    ids[id] = total
    return total
end

for place = 10, #ARGV, 19 do
    local first = 2 + 4 * ARGV[place]
    for dimension = 1, 4 do
        local id = ARGV[place + dimension]
        if id ~= '' then
            local total = find(first + dimension, dimension, id)
            for field = 1, 13 do
                total[field] = total[field] + ARGV[place + 4 + field]
            end
        end
    end
    if ARGV[place + 18] ~= '' then
        redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[5], '*', 'r', ARGV[place + 18])
    end
end

local format = '%.0f' .. string.rep(' %.0f', 12)
for place, ids in pairs(totals) do
    for id, total in pairs(ids) do
        -- Ids that share the sums of 'other' do not write them again.
        if total.id == id then
            redis.call('HSET', KEYS[place], id, string.format(format, unpack(total)))
        end
    end
    if expiring[place] then
        redis.call('EXPIRE', KEYS[place], ARGV[4])
    end
end
return number
