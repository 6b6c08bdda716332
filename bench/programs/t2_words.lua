-- Tables: string keys, counts, insertion and removal, sorting with a comparator.
local words, seed = {}, 42
local function random(n) seed = seed * 16807 % 2147483647 return seed % n end
for i = 1, 5000 do words[i] = "w" .. i * 7919 % 5000 end
local counts = {}
for _ = 1, 4000000 do local w = words[1 + random(5000)] counts[w] = (counts[w] or 0) + 1 end
local list = {}
for w, c in pairs(counts) do list[#list + 1] = {w = w, c = c} end
table.sort(list, function(x, y) if x.c ~= y.c then return x.c > y.c end return x.w < y.w end)
local stack = {}
for i = 1, 3000000 do table.insert(stack, i) if i % 3 == 0 then table.remove(stack) end end
print("words", #list, list[1].w, #stack)
