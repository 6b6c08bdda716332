-- Memory: a million small tables with two fields, made by constructors.
local t = {}
for i = 1, 1000000 do t[i] = {x = i, y = true} end
print(#t, t[#t].x)
