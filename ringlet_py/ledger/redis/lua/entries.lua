-- Changes entries, all or none: ARGV has address, fingerprint, org and JSON, again and again.
-- An empty JSON forgets it.

local ENTRIES = key('entries')

local function set(name, address, text)
  if text == '' then return redis.call('HDEL', key(name), address) end
  redis.call('HSET', key(name), address, text)
end

local function change(address, fingerprint, org, written)
  local old = redis.call('HGET', key('fingerprints'), address)
  if old then redis.call('SREM', key('same', old), address) end
  if fingerprint ~= '' then redis.call('SADD', key('same', fingerprint), address) end
  set('fingerprints', address, fingerprint)
  set('orgs', address, org)
  if written == '' then return redis.call('HDEL', ENTRIES, address) end
  redis.call('HSET', ENTRIES, address, written)
  return 1
end

local changed = 0
for place = 1, #ARGV, 4 do
  changed = changed + change(ARGV[place], ARGV[place + 1], ARGV[place + 2], ARGV[place + 3])
end
if changed > 0 then redis.call('INCR', key('version')) end
