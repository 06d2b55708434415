-- Reads one page of the API keys, oldest first, as pairs of a digest and the fields of its hash.
-- KEYS: the list of all keys. ARGV: prefix of the hashes' names, first place, last place.
local page = {}
for _, digest in ipairs(redis.call('ZRANGE', KEYS[1], ARGV[2], ARGV[3])) do
    page[#page + 1] = digest
    page[#page + 1] = redis.call('HGETALL', ARGV[1] .. digest)
end
return page
