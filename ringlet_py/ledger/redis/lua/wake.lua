-- Ends the cooldowns of the address ARGV[1] and of its org, for the feature ARGV[2] or for all.

local function wake(subject, feature)
  local place = key('rest', subject)
  for _, name in ipairs(redis.call('HKEYS', place)) do
    if name == 'until:' .. feature or feature == '' and string.sub(name, 1, 5) == 'until' then
      redis.call('HDEL', place, name)
    end
  end
  if feature == '' then redis.call('ZREM', key('resting'), subject) end
end

local org = redis.call('HGET', key('orgs'), ARGV[1])
wake('key:' .. ARGV[1], ARGV[2])
touch_key(ARGV[1])
if org then
  wake('org:' .. org, ARGV[2])
  touch_org(org)
end
