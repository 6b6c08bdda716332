-- Numbers: integers and floats in one expression, comparisons between both, conversions to and fro.
local floor, sum, low, high = math.floor, 0, 0, 0
for i = 1, 4000000 do
  local f = i * 0.5
  local g = f + i
  if g > i then high = high + 1 end
  if i % 4 == f % 4 then low = low + 1 end
  sum = (sum + floor(g) + i * 2.0) % 1000003
end
print("mixed", string.format("%d %d %d", sum, low, high))
