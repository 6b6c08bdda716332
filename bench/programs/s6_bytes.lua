-- Strings: single characters: byte, char, sub, rep, reverse, upper, lower, comparison and length.
local alphabet, sum = "abcdefghijklmnopqrstuvwxyz", 0
for i = 1, 4000000 do
  local k = i % 26 + 1
  local c = alphabet:sub(k, k)
  sum = sum + c:byte() + #alphabet:sub(k) + (c < "m" and 1 or 2)
  if string.char(96 + k) == c then sum = sum + 1 end
end
local text = alphabet:rep(200)
for i = 1, 60 do
  local out = {}
  for j = 1, #text do out[j] = string.char((text:byte(j) - 97 + i) % 26 + 97) end
  text = table.concat(out)
  sum = sum + #text:reverse():upper():lower() + text:byte(i)
end
for i = 1, 40000 do sum = sum + #("ab"):rep(i % 50) + select("#", text:byte(1, 20)) end
print("bytes", sum)
