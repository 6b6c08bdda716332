-- Tables: table.sort without a comparator, of integers, floats and strings, in random, sorted and reversed order.
local seed = 3
local function random() seed = seed * 16807 % 2147483647 return seed end
local sum = 0
for round = 1, 4 do
  local ints, floats, strings = {}, {}, {}
  for i = 1, 50000 do ints[i] = random() % 100000 floats[i] = random() / 65536 strings[i] = "k" .. random() % 10000 end
  table.sort(ints)
  table.sort(floats)
  table.sort(strings)
  for i = 1, #ints, 100 do sum = (sum * 7 + ints[i] + math.floor(floats[i]) + #strings[i]) % 1000003 end
  table.sort(ints)
  for i = 1, #ints / 2 do ints[i], ints[#ints - i + 1] = ints[#ints - i + 1], ints[i] end
  table.sort(ints)
  sum = sum + ints[25000]
end
print("sort", sum)
