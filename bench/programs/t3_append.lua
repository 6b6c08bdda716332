-- Tables: arrays built by t[#t + 1], by a counter, by a constructor; read and written in order and in strides.
local sum = 0
for round = 1, 20 do
  local a, b = {}, {}
  for i = 1, 300000 do a[#a + 1] = i end
  for i = 1, 300000 do b[i] = i % 13 end
  for i = 1, #a do a[i] = a[i] + b[i] end
  for stride = 1, 7 do for i = stride, #a, stride do sum = sum + a[i] % 3 end end
  for i = #a, 1, -1 do a[i] = nil end
  sum = sum + #a
end
for i = 1, 1500000 do local t = {i, i + 1, i + 2, i + 3} sum = sum + t[1] % 2 + t[4] % 2 end
print("append", sum)
