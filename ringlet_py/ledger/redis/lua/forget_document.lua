-- Takes the document of the kind ARGV[1] and the name ARGV[2] away; of the pool ARGV[3] its turns and counts too.

local function forget_turn(id)
  for _, address in ipairs(redis.call('HKEYS', key('turn', id, 'members'))) do
    redis.call('SREM', key('turns', address), id)
  end
  for _, name in ipairs(redis.call('ZRANGE', key('turn', id, 'by-org'), 0, -1)) do
    redis.call('SREM', key('org-turns', string.match(name, '^(.-)\n')), id)
  end
  for _, group in ipairs(redis.call('SMEMBERS', key('turn', id, 'groups'))) do
    redis.call('DEL', key('turn', id, 'free', group))
  end
  for _, part in ipairs({'members', 'all', 'expiry', 'wait', 'groups', 'groups-wait', 'by-org', 'weights', 'sets'}) do
    redis.call('DEL', key('turn', id, part))
  end
  redis.call('DEL', key('turn', id), key('turn', id, 'used'), key('turn', id, 'uses'))
end

local function forget()
  if redis.call('HDEL', key('documents', ARGV[1]), ARGV[2]) == 0 then return 0 end
  if ARGV[3] ~= '' then
    for _, id in ipairs(redis.call('SMEMBERS', key('pool-turns', ARGV[3]))) do forget_turn(id) end
    redis.call('DEL', key('pool-turns', ARGV[3]), key('use', 'pool:' .. ARGV[3]))
    redis.call('HDEL', key('totals'), 'pool:' .. ARGV[3])
  end
  redis.call('INCR', key('version'))
  return 1
end

return forget()
