-- Gives up the lead, if it is still this worker's.
-- KEYS: lease. ARGV: id.
if redis.call('GET', KEYS[1]) == ARGV[1] then
    return redis.call('DEL', KEYS[1])
end
return 0
