-- How members of a turn stand: ARGV[1] is the turn as JSON, then come addresses.

local function rates_left(t, address, member)
  local answer = {}
  for _, stream in ipairs(streams_of(t, address, member)) do
    for _, rate in ipairs(stream[2]) do
      for _, part in ipairs({text(rate[1]), text(rate[2]), rate[3] or '', text(left_of(rate, stream[1], t))}) do
        answer[#answer + 1] = part
      end
    end
  end
  return answer
end

local function standing(t, address)
  local member = member_at(t, address)
  if not member then return end
  local ready, why = ready_of(t, address, member)
  if member.expires <= t.wall then ready, why = NEVER, 'expired' end
  local resting = cooldown('key:' .. address, t)
  if member.org ~= '' then resting = math.max(resting, (cooldown('org:' .. member.org, t))) end
  local uses = redis.call('HGET', turn_key(t, 'uses'), address) or '0'
  local moments = {ready, resting, used_of(t, address), limited_of(t, address, member)}
  for place, moment in ipairs(moments) do moments[place] = text(moment) end
  return {address, why, uses, moments, rates_left(t, address, member)}
end

local function answer()
  local t = opened_turn(cjson.decode(ARGV[1]))
  local lacking = missing(t.names, t.calendars, t.wall)
  if #lacking > 0 then return {'windows', text(t.wall), table.concat(lacking, ' ')} end
  local found = {}
  for place = 2, #ARGV do found[#found + 1] = standing(t, ARGV[place]) end
  return {'standings', text(t.now), found}
end

return answer()
