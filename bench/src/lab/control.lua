-- Arithmetic without a single allocation: what it takes changes only with the machine.
local steps = tonumber((...)) or 1000000
local a, b = 1, 0.5
for i = 1, steps do
  a = (a * 1103515245 + i) & 0x7fffffff
  b = b * 0.75 + (a & 255)
end
print("control", a, b > 0)
