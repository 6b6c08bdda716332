-- Strings: string.format with integers, floats, strings, widths and several directives at once.
local format, sum = string.format, 0
for i = 1, 350000 do
  sum = sum + #format("%d", i) + #format("%5.2f", i / 7) + #format("%s=%s", "key", i) + #format("%-10s|%5d|%x", "left", i, i)
  if i % 5 == 0 then sum = sum + #format("%q", "a\nb") + #format("%g %e", i / 3, i / 9) + #format("%c%%", 65 + i % 26) end
end
print("format", sum)
