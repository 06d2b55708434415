-- Writes a batch of one worker's finished requests, once: adds them to the hashes of their hours and appends their rows
-- to the log. A field of a hash holds the sums of one id, an array of numbers in MessagePack.
-- KEYS: number of the worker's last batch, log, then for each hour the hashes by key, model, provider and account.
-- ARGV: number of this batch, number of the first whose answer the worker misses, seconds to keep the number, seconds
-- to keep a hash, length of the log, how many ids each of the four hashes may have, then records of 7: hour (0 is the
-- first among KEYS), four ids or '', amounts as an array in MessagePack, row or ''.
-- Returns the number of the worker's last batch: less than this one's when an earlier batch is missing.

-- What the worker has an answer for counts as written even if Redis has lost its memory since.
local last = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), ARGV[2] - 1)
local number = tonumber(ARGV[1])
if number ~= last + 1 then
    return last
end
-- First of all, so that a script that fails half-way is not repeated.
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[3])

local call, unpack_sums = redis.call, cmsgpack.unpack
-- The sums of each hash by id; ids that do not fit share those of 'other', which know their own name.
local totals, names, counts, expiring = {}, {}, {}, {}

for place = 10, #ARGV, 7 do
    local amounts = unpack_sums(ARGV[place + 5])
    local first = 2 + 4 * ARGV[place]
    for dimension = 1, 4 do
        local id = ARGV[place + dimension]
        if id ~= '' then
            local hash = first + dimension
            local ids = totals[hash]
            if not ids then
                ids = {}
                totals[hash] = ids
            end
            local total = ids[id]
            if not total then
                local stored = call('HGET', KEYS[hash], id)
                local name = id
                if not stored then
                    local count = counts[hash] or call('HLEN', KEYS[hash])
                    if count < tonumber(ARGV[5 + dimension]) then
                        counts[hash] = count + 1
                    else
                        name = 'other'
                        total = ids[name]
                        stored = not total and call('HGET', KEYS[hash], name)
                    end
                    expiring[hash] = true
                end
                total = total or stored and unpack_sums(stored) or {}
                names[total] = name
                ids[id] = total
                ids[name] = total
            end
            for field = 1, #amounts do
                total[field] = (total[field] or 0) + amounts[field]
            end
        end
    end
    if ARGV[place + 6] ~= '' then
        call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[5], '*', 'r', ARGV[place + 6])
    end
end

for hash, ids in pairs(totals) do
    for id, total in pairs(ids) do
        if names[total] == id then
            call('HSET', KEYS[hash], id, cmsgpack.pack(total))
        end
    end
    if expiring[hash] then
        call('EXPIRE', KEYS[hash], ARGV[4])
    end
end
return number
