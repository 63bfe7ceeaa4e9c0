/**
 * All windows of a key at once, all or nothing, as `takeFrom` (windows.ts) does it. Time comes with the call: nodes go by the database's, and so do windows. A negative cost gives back to those
 * windows that still end when they did.
 *
 * KEYS[1] the hash. ARGV: now, cost, then for each window its limit, its length in milliseconds and, to give back, its end.
 *
 * @returns whether it passed (1 or 0), then for each window its end (0: none runs) and what is used of it
 */
export const takeScript = `
local now, cost = tonumber(ARGV[1]), tonumber(ARGV[2])
local passed, answer, longest = 1, {0}, 0
for at = 3, #ARGV, 3 do
  local limit, length = tonumber(ARGV[at]), ARGV[at + 1]
  local kept = redis.call('HMGET', KEYS[1], length .. ':end', length .. ':used')
  local ends, used = tonumber(kept[1] or '0'), tonumber(kept[2] or '0')
  if ends <= now then ends, used = 0, 0 end
  if cost > 0 and used + cost > limit then passed = 0 end
  answer[#answer + 1] = ends
  answer[#answer + 1] = used
end
if passed == 1 and cost ~= 0 then
  for at = 3, #ARGV, 3 do
    local place = 2 * (at - 3) / 3 + 2
    local length, ends, used = ARGV[at + 1], answer[place], answer[place + 1]
    if cost > 0 or ends == tonumber(ARGV[at + 2]) then
      if ends == 0 then ends = now + tonumber(length) end
      used = math.max(0, used + cost)
      redis.call('HSET', KEYS[1], length .. ':end', string.format('%.0f', ends), length .. ':used', string.format('%.0f', used))
      answer[place], answer[place + 1] = ends, used
      longest = math.max(longest, ends - now)
    end
  end
  if longest > redis.call('PTTL', KEYS[1]) then redis.call('PEXPIRE', KEYS[1], string.format('%.0f', longest)) end
end
answer[1] = passed
return answer
`
