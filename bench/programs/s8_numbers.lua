-- Strings: numbers printed and read: tostring, tonumber in several bases, arithmetic on numerals, %.14g of floats.
local tostring, tonumber, format, sum = tostring, tonumber, string.format, 0
for i = 1, 500000 do
  local s = tostring(i * 7)
  sum = sum + #s + tonumber(s) % 3 + (s + 1) % 5
  local f = format("%.14g", i / 8 + 0.0625)
  sum = sum + #f + tonumber(f) * 16 % 7
  sum = sum + tonumber("ff", 16) + tonumber("  12  ") + tonumber("0x1F") + tonumber("1e2")
  if not tonumber("12a") then sum = sum + 1 end
end
print("numbers", format("%d", sum))
