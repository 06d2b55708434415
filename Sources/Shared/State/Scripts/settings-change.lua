-- Sets or removes a setting, notes who did it, and tells all workers. Nothing happens when it changes nothing.
-- KEYS: hash of the settings, version, stream of the changes. ARGV: 'set' or 'remove', name, value, who, channel.
-- Returns the version.
local old = redis.call('HGET', KEYS[1], ARGV[2])
local new = ARGV[1] == 'set' and ARGV[3]
if old == new then
    return tonumber(redis.call('GET', KEYS[2]) or 0)
end
local change = { 'by', ARGV[4], 'name', ARGV[2] }
if old then
    change[#change + 1] = 'old'
    change[#change + 1] = string.sub(old, 1, 4096)
end
if new then
    redis.call('HSET', KEYS[1], ARGV[2], new)
    change[#change + 1] = 'new'
    change[#change + 1] = string.sub(new, 1, 4096)
else
    redis.call('HDEL', KEYS[1], ARGV[2])
end
redis.call('XADD', KEYS[3], 'MAXLEN', 1000, '*', unpack(change))
local version = redis.call('INCR', KEYS[2])
redis.call('PUBLISH', ARGV[5], version)
return version
