-- The addresses that rest for every feature, each followed by the wall moment of its end.

local function ends_of()
  local now, wall = clocks()
  local ends = {}
  redis.call('ZREMRANGEBYSCORE', key('resting'), '-inf', text(now))
  local found = redis.call('ZRANGE', key('resting'), 0, -1, 'WITHSCORES')
  for place = 1, #found, 2 do
    local moment = tonumber(found[place + 1])
    ends[found[place]] = moment < NEVER and wall + moment - now or NEVER
  end
  return ends
end

local function resting()
  local ends, latest = ends_of(), {}
  if not next(ends) then return {} end
  local orgs = redis.call('HGETALL', key('orgs'))
  for subject, moment in pairs(ends) do
    local address = string.match(subject, '^key:(.*)$')
    if address then latest[address] = moment end
  end
  for place = 1, #orgs, 2 do
    local shared = ends['org:' .. orgs[place + 1]]
    if shared then latest[orgs[place]] = math.max(shared, latest[orgs[place]] or 0) end
  end
  local answer = {}
  for address, moment in pairs(latest) do
    answer[#answer + 1] = address
    answer[#answer + 1] = text(moment)
  end
  return answer
end

return resting()
