-- Begins or extends a cooldown: ARGV is subject, feature, milliseconds, wall moment or 0, 1 if it was a 429, and why.

local SUBJECT, FEATURE = ARGV[1], ARGV[2]

local function until_when(now, wall)
  local length, moment = tonumber(ARGV[3]), tonumber(ARGV[4])
  if length >= NEVER or length == 0 and moment >= NEVER then return NEVER end
  return length == 0 and now + moment - wall or now + length
end

local function rest()
  local now, wall = clocks()
  local suffix = FEATURE == '' and '' or ':' .. FEATURE
  local place = key('rest', SUBJECT)
  local before = tonumber(string.match(redis.call('HGET', place, 'until' .. suffix) or '0', '^%d+'))
  local ends = until_when(now, wall)
  keep_clock(now, wall)
  if ARGV[5] == '1' then redis.call('HSET', place, 'limited' .. suffix, text(now)) end
  if ends <= math.max(before, now) then return end
  redis.call('HSET', place, 'until' .. suffix, text(ends) .. ' ' .. ARGV[6])
  if FEATURE == '' then redis.call('ZADD', key('resting'), text(ends), SUBJECT) end
end

rest()
