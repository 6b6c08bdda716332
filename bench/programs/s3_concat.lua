-- Strings: concatenation of few and of many operands, of strings with numbers, of growing strings.
local sum = 0
for i = 1, 1000000 do
  local a = "x" .. i
  local b = a .. ":" .. i % 100 .. ";" .. a
  local c = "<" .. a .. "|" .. b .. ">" .. "\n"
  sum = sum + #b + #c
end
for _ = 1, 100 do
  local s = ""
  for i = 1, 2000 do s = s .. "ab" end
  sum = sum + #s
end
print("concat", sum)
