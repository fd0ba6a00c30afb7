-- Makes of the document of the kind ARGV[1] and the name ARGV[2], whose text is ARGV[3], one that is ARGV[4]; '' for
-- either means that there is none.

local place = key('documents', ARGV[1])
if (redis.call('HGET', place, ARGV[2]) or '') ~= ARGV[3] then return 0 end
if ARGV[4] == '' then
  redis.call('HDEL', place, ARGV[2])
else
  redis.call('HSET', place, ARGV[2], ARGV[4])
end
redis.call('INCR', key('version'))
return 1
