-- Presents the values of a file, one after the other, in one of three ways.
-- arguments: file, way (post, authorize, get), the asker's credential, first value, number of values
local prefix, suffix, next_value, values, first, count = "", "", 0, {}, 0, 0
local way, prepared

local function make(value)
  if way == "post" then
    local body = '{"key":"' .. value .. '"}'
    return prefix .. #body .. "\r\n\r\n" .. body
  end
  return prefix .. value .. suffix
end

init = function(args)
  way = args[2]
  first, count = tonumber(args[4]), tonumber(args[5])
  local host = "Host: " .. wrk.host .. ":" .. wrk.port .. "\r\n"
  if way == "post" then
    prefix = "POST /v1/verify HTTP/1.1\r\n" .. host .. "Authorization: Bearer " .. args[3]
      .. "\r\nContent-Type: application/json\r\nContent-Length: "
  else
    prefix = "GET /v1/authorize HTTP/1.1\r\n" .. host .. "X-Keyturn-Management-Key: " .. args[3] .. "\r\nAuthorization: Bearer "
    suffix = "\r\n\r\n"
  end
  local number = 0
  for value in io.lines(args[1]) do
    if number >= first and number < first + count then values[#values + 1] = value end
    number = number + 1
  end
  count = #values
  -- So that the load costs as little as it can.
  prepared = count <= 50000
  if prepared then for i = 1, count do values[i] = make(values[i]) end end
end

request = function()
  next_value = next_value % count + 1
  if prepared then return values[next_value] end
  return make(values[next_value])
end

done = function(summary, latency)
  local errors = summary.errors
  io.write(string.format('\nRESULT {"requests": %d, "microseconds": %d, "p50": %d, "p99": %d, "max": %d, "status": %d, "lost": %d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), latency.max, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout))
end
