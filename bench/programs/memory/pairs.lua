-- Memory: a million small tables with two items, made by constructors.
local t = {}
for i = 1, 1000000 do t[i] = {i, true} end
print(#t, t[#t][1])
