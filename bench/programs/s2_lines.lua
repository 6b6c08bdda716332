-- Strings: concatenation in a loop, splitting into lines, substrings as keys.
local line, seen, distinct = "", {}, 0
for i = 1, 2000000 do
  line = i % 100 == 0 and "" or line .. string.char(97 + i % 26)
  local tail = line:sub(-4)
  if not seen[tail] then seen[tail] = true distinct = distinct + 1 end
end
local buffer = {}
for i = 1, 200000 do buffer[i] = "line " .. i .. "\t" .. i * i end
local total = 0
for l in (table.concat(buffer, "\n") .. "\n"):gmatch("([^\n]*)\n") do
  local at = l:find("\t", 1, true)
  total = total + #l:sub(at + 1)
end
print("lines", distinct, total)
