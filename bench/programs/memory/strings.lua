-- Memory: a million different short strings.
local t = {}
for i = 1, 1000000 do t[i] = "text " .. i end
print(#t, t[#t])
