-- Memory: a table with a million integer keys that are no sequence.
local t = {}
for i = 1, 1000000 do t[i * 7919] = i end
print(t[7919], t[7919000000])
