-- Strings: lines of comma separated values, split by find and sub, by gmatch, trimmed, changed and joined again.
local lines = {}
for i = 1, 2000 do lines[i] = table.concat({i, " name" .. i .. " ", i * 2, "x", i % 17}, ",") end
local function split(s)
  local parts, from = {}, 1
  while true do
    local at = s:find(",", from, true)
    if not at then parts[#parts + 1] = s:sub(from) return parts end
    parts[#parts + 1] = s:sub(from, at - 1)
    from = at + 1
  end
end
local function trim(s) return (s:gsub("^%s+", ""):gsub("%s+$", "")) end
local sum = 0
for _ = 1, 120 do
  for i = 1, #lines do
    local parts = split(lines[i])
    parts[2] = trim(parts[2])
    local n = 0
    for word in lines[i]:gmatch("[^,]+") do n = n + #word end
    sum = (sum + n + #table.concat(parts, ";")) % 1000003
  end
end
print("split_join", sum)
