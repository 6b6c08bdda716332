-- Strings: building, patterns, substitution, formatting.
local parts = {}
for i = 1, 300000 do parts[#parts + 1] = string.format("%05d:%s=%.2f;", i, ("key"):rep(i % 3 + 1), i / 4) end
local text = table.concat(parts)
local sum, n = 0, 0
for id, value in text:gmatch("(%d+):%a+=([%d%.]+)") do sum = sum + tonumber(id) + tonumber(value) n = n + 1 end
local swapped, count = text:gsub("(%w+)=(%w+)", "%2=%1")
local upper = swapped:upper():reverse()
local bytes = 0
for i = 1, #upper, 7 do bytes = (bytes * 31 + upper:byte(i)) % 1000003 end
print("text", string.format("%.2f", sum), n, count, bytes, text:find("9999:", 1, true))
