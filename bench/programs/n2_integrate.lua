-- Numbers: floats, library functions, integers mixed with floats.
local sin, sqrt, floor = math.sin, math.sqrt, math.floor
local sum = 0.0
for i = 1, 8000000 do
  local x = i * 1e-6
  sum = sum + sqrt(x) * 2 - x ^ 2 / (1 + x)
  if i % 4 == 0 then sum = sum + sin(x) + floor(x * 10) end
end
print("integrate", string.format("%.6f", sum))
