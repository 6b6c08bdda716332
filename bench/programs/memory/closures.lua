-- Memory: half a million closures, each with an upvalue of its own.
local t = {}
for i = 1, 500000 do t[i] = function() i = i + 1 return i end end
print(#t, t[1]() + t[#t]())
