-- Lets the leader run a job when it is due, and notes that it does.
-- KEYS: lease, token, hash of the jobs' last runs: milliseconds, token and number of the run. ARGV: id, token, name,
-- milliseconds between two runs, number of the run, which is the same when the worker asks again for lack of an answer.
-- Returns -1 when the lead is another's, 0 when the job may run now, otherwise the milliseconds until it may.
if redis.call('GET', KEYS[1]) ~= ARGV[1] or redis.call('GET', KEYS[2]) ~= ARGV[2] then
    return -1
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local run = ARGV[2] .. ' ' .. ARGV[5]
local last, last_run = string.match(redis.call('HGET', KEYS[3], ARGV[3]) or '0 ', '^(%d+) (.*)$')
if last_run == run then
    return 0
end
-- A time to come is a clock that was set back; waiting for it could take for ever.
last = tonumber(last) or 0
if last <= now and now < last + ARGV[4] then
    return last + ARGV[4] - now
end
redis.call('HSET', KEYS[3], ARGV[3], string.format('%.0f ', now) .. run)
return 0
