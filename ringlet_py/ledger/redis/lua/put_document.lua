-- Makes or replaces the document of the kind ARGV[1] and the name ARGV[2]; with ARGV[4] = "new" it only makes one.

local place = key('documents', ARGV[1])
if ARGV[4] == 'new' and redis.call('HEXISTS', place, ARGV[2]) == 1 then return 0 end
redis.call('HSET', place, ARGV[2], ARGV[3])
redis.call('INCR', key('version'))
return 1
