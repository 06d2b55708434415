-- Replaces what a charge has reserved by what it has used; once, however often it is asked.
-- ARGV: 1 id, 2 tokens, 3 cost, 4 letters if the charge is not known, 5 seconds to keep the mark, 6 width of a
-- sub-window in ms, 7 number of sub-windows, 8 '1' if this may have run before, then unit.period of each budget.
-- KEYS[6]: the mark of a settled charge.
-- Returns 1 when it was counted now.
local id = ARGV[1]
local width, buckets = tonumber(ARGV[6]), tonumber(ARGV[7])
local bucket = math.floor(now / width)
-- Comes first: a script that has written may go on writing when the memory is full.
redis.call('ZREM', KEYS[3], id)

local record = redis.call('HGET', KEYS[2], id)
local wasEnded = not record and redis.call('ZREM', KEYS[5], id) == 1
local held, at, letters = 0, bucket, ARGV[4]
if record then
    held, at, letters = take(id, record)
end
local isFirst = redis.call('SET', KEYS[6], 1, 'NX', 'EX', ARGV[5])
-- Without a trace of the charge, who may have been here before has been here before.
local counts = isFirst and (record or wasEnded or ARGV[8] ~= '1')
local tokens = counts and tonumber(ARGV[2]) or 0

if has(letters, 't') and tokens ~= held then
    local low = roll(bucket, width, buckets).low
    if tokens > held then
        count('t', bucket, tokens - held)
    elseif at >= low then
        count('t', at, tokens - held)
    end
end
if not counts then
    return 0
end
if not record and not wasEnded and has(letters, 'r') then
    -- Admitted while nobody here could be asked.
    roll(bucket, width, buckets)
    count('r', bucket, 1)
end
if #ARGV > 8 then
    local spent = spending()
    for argument = 9, #ARGV do
        local name = ARGV[argument]
        begin(spent, name)
        redis.call('HINCRBY', KEYS[4], name, string.find(name, '^money') and ARGV[3] or ARGV[2])
    end
end
return 1
