-- table.concat, insert, move, pack, remove, sort, unpack, manual §6.6
print(table.concat({}), table.concat({ 1, 2, 3 }), table.concat({ 1, 2, 3 }, ", "), table.concat({ 1, 2, 3 }, "-", 2, 3), table.concat({ "a" }, "x", 2))
print(pcall(table.concat, { 1, {}, 3 }))
print(pcall(table.concat, { 1, 2 }, ",", 1, 3))
local t = { "a", "b" }
table.insert(t, "c") table.insert(t, 1, "z") table.insert(t, 5, "end")
print(table.concat(t, " "), #t)
print(pcall(table.insert, t, 7, "x"))
print(pcall(table.insert, t, 0, "x"))
print(pcall(table.insert, t))
print(pcall(table.insert, t, 1, 2, 3))
print(pcall(table.insert, nil, 1))
print(table.remove(t), table.remove(t, 1), table.concat(t, " "), table.remove({}), table.remove({}, 0), table.remove(t, #t + 1))
print(pcall(table.remove, t, 10))
print(table.concat(table.move({ 1, 2, 3 }, 1, 3, 2), " "), table.concat(table.move({ 1, 2, 3 }, 2, 3, 1), " "), #table.move({ 1, 2 }, 1, 2, 1, {}))
print(pcall(table.move, { 1 }, math.mininteger, math.maxinteger, 1))
print(table.pack().n, table.pack(nil, nil).n, table.pack(1, 2, 3)[3])
print(table.unpack({ 1, 2, 3 }), table.unpack({ 1, 2, 3 }, 2), table.unpack({ 1, 2, 3 }, 2, 3), (table.unpack({}, 1, 3)))
print(pcall(table.unpack, {}, 1, 1e8))
local words = { "pear", "apple", "fig", "Banana" }
table.sort(words) print(table.concat(words, " "))
table.sort(words, function(a, b) return #a < #b end) print(words[1], #words)
local numbers = {}
for i = 1, 200 do numbers[i] = (i * 7919) % 1009 end
table.sort(numbers)
local good = true
for i = 2, #numbers do good = good and numbers[i - 1] <= numbers[i] end
print(good)
print(pcall(table.sort, { 1, "x", 2 }))
print(pcall(table.sort, { 3, 1, 2, 5, 4, 7, 6 }, function() return true end))
print(pcall(table.sort, { 1, 2, 3 }, 5))
local log = {}
local proxy = setmetatable({}, { __len = function() return 3 end, __index = function(_, i) return 4 - i end, __newindex = function(_, i, v) log[#log + 1] = i .. "=" .. v end })
print(table.concat(proxy, " "))
table.insert(proxy, 9)
print(table.concat(log, " "))
