-- table.concat, insert, move, pack, remove, sort, unpack, manual §6.6
print(table.concat({}), table.concat({ 1, 2, 3 }), table.concat({ 1, 2, 3 }, ", "), table.concat({ 1, 2, 3 }, "-", 2, 3), table.concat({ "a" }, "x", 2)) --> expect: \t123\t1, 2, 3\t2-3\t
print(pcall(table.concat, { 1, {}, 3 })) --> expect: false\tinvalid value (table) at index 2 in table for 'concat'
print(pcall(table.concat, { 1, 2 }, ",", 1, 3)) --> expect: false\tinvalid value (nil) at index 3 in table for 'concat'
local t = { "a", "b" }
table.insert(t, "c") table.insert(t, 1, "z") table.insert(t, 5, "end")
print(table.concat(t, " "), #t) --> expect: z a b c end\t5
print(pcall(table.insert, t, 7, "x")) --> expect: false\tbad argument #2 to 'table.insert' (position out of bounds)
print(pcall(table.insert, t, 0, "x")) --> expect: false\tbad argument #2 to 'table.insert' (position out of bounds)
print(pcall(table.insert, t)) --> expect: false\twrong number of arguments to 'insert'
print(pcall(table.insert, t, 1, 2, 3)) --> expect: false\twrong number of arguments to 'insert'
print(pcall(table.insert, nil, 1)) --> expect: false\tbad argument #1 to 'table.insert' (table expected, got nil)
print(table.remove(t), table.remove(t, 1), table.concat(t, " "), table.remove({}), table.remove({}, 0), table.remove(t, #t + 1)) --> expect: end\tz\ta b c\tnil\tnil\tnil
print(pcall(table.remove, t, 10)) --> expect: false\tbad argument #1 to 'table.remove' (position out of bounds)
print(table.concat(table.move({ 1, 2, 3 }, 1, 3, 2), " "), table.concat(table.move({ 1, 2, 3 }, 2, 3, 1), " "), #table.move({ 1, 2 }, 1, 2, 1, {})) --> expect: 1 1 2 3\t2 3 3\t2
print(pcall(table.move, { 1 }, math.mininteger, math.maxinteger, 1)) --> expect: false\tbad argument #3 to 'table.move' (too many elements to move)
print(table.pack().n, table.pack(nil, nil).n, table.pack(1, 2, 3)[3]) --> expect: 0\t2\t3
print(table.unpack({ 1, 2, 3 }), table.unpack({ 1, 2, 3 }, 2), table.unpack({ 1, 2, 3 }, 2, 3), (table.unpack({}, 1, 3))) --> expect: 1\t2\t2\tnil
print(pcall(table.unpack, {}, 1, 1e8)) --> expect: false\ttoo many results to unpack
local words = { "pear", "apple", "fig", "Banana" }
table.sort(words) print(table.concat(words, " ")) --> expect: Banana apple fig pear
table.sort(words, function(a, b) return #a < #b end) print(words[1], #words) --> expect: fig\t4
local numbers = {}
for i = 1, 200 do numbers[i] = (i * 7919) % 1009 end
table.sort(numbers)
local good = true
for i = 2, #numbers do good = good and numbers[i - 1] <= numbers[i] end
print(good) --> expect: true
print(pcall(table.sort, { 1, "x", 2 })) --> expect: false\tattempt to compare string with number
print(pcall(table.sort, { 3, 1, 2, 5, 4, 7, 6 }, function() return true end)) --> expect: false\tinvalid order function for sorting
print(pcall(table.sort, { 1, 2, 3 }, 5)) --> expect: false\tbad argument #2 to 'table.sort' (function expected, got number)
local log = {}
local proxy = setmetatable({}, { __len = function() return 3 end, __index = function(_, i) return 4 - i end, __newindex = function(_, i, v) log[#log + 1] = i .. "=" .. v end })
print(table.concat(proxy, " ")) --> expect: 3 2 1
table.insert(proxy, 9)
print(table.concat(log, " ")) --> expect: 4=9
