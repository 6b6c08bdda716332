-- Tables: generic loops with pairs, ipairs and next, over arrays, hashes and both, and with an iterator in Lua.
local list, map, both = {}, {}, {}
for i = 1, 1000 do list[i] = i map["k" .. i] = i both[i] = i both["f" .. i] = i end
local function each(t) local i = 0 return function() i = i + 1 return t[i] end end
local sum = 0
for _ = 1, 2800 do
  for i, v in ipairs(list) do sum = sum + v % 3 end
  for k, v in pairs(list) do sum = sum + v % 3 end
  for k, v in pairs(map) do sum = sum + v % 5 end
  for k, v in pairs(both) do sum = sum + v % 7 end
  for k, v in next, map do sum = sum + #k end
  for v in each(list) do sum = sum + v % 2 end
end
print("iterate", sum)
