-- Memory: an array of ten million numbers, appended one by one.
local t = {}
for i = 1, 10000000 do t[i] = i end
print(#t, t[#t])
