-- about: long texts built piece by piece: by concatenation, by rep, by table.concat, by gsub
-- stresses: strings of 1 to 200 KB and buffers that double
-- sizes: quick 40, default 300, long 2500
local rounds = tonumber((...)) or 40

local bytes = 0
for round = 1, rounds do
  local text = ""
  for i = 1, 300 do text = text .. "piece " .. i .. " of round " .. round .. "\n" end
  bytes = bytes + #text

  local parts = {}
  for i = 1, 4000 do parts[i] = i * round end
  local joined = table.concat(parts, ", ")
  bytes = bytes + #joined

  local doubled = joined:gsub("%d+", function(digits) return digits .. digits end)
  bytes = bytes + #doubled + #("="):rep(20000 + round)
  bytes = bytes + #joined:reverse():upper()
end
print("string_building", bytes)
