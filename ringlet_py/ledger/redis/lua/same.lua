-- The entries whose fingerprint is ARGV[1].

local addresses = redis.call('SMEMBERS', key('same', ARGV[1]))
if #addresses == 0 then return {} end
return redis.call('HMGET', key('entries'), unpack(addresses))
