-- What is left of the rates of tokens: ARGV[1] is JSON with `bearers`, each an id and its rates.

local function left_of_bearer(bearer, t)
  local left = {}
  for place, rate in ipairs(bearer[2]) do left[place] = text(left_of(rate, 'token:' .. bearer[1], t)) end
  return left
end

local function answer()
  local t = cjson.decode(ARGV[1])
  t.now, t.wall = clocks()
  local lacking = missing(t.names, t.calendars, t.wall)
  if #lacking > 0 then return {'windows', text(t.wall), table.concat(lacking, ' ')} end
  local found = {}
  for place, bearer in ipairs(t.bearers) do found[place] = left_of_bearer(bearer, t) end
  return {'left', found}
end

return answer()
