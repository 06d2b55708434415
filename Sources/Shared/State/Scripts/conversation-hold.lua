-- Prolongs a hold, or ends it. KEYS: the hold. ARGV: its name, its lifetime in ms, or 0 to end it.
-- Returns '1' where it was still held.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
    return '0'
end
if ARGV[2] == '0' then
    redis.call('DEL', KEYS[1])
else
    redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return '1'
