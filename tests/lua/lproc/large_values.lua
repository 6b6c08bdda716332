--> zeal: no
-- Messages of many values, large tables, and deep ones.
local lproc = require "lproc"
lproc.start(function()
  while true do lproc.send("back", lproc.receive("there")) end
end)
local function copy(...)
  lproc.send("there", ...)
  return lproc.receive("back")
end

print(select("#", copy(table.unpack({}, 1, 5000)))) --> expect: 5000
print(select("#", copy(table.unpack({}, 1, 200000)))) --> expect: 200000
local large = {}
for i = 1, 10000 do large[i] = i large["k" .. i] = {i} end
local t = copy(large)
for i = 1, 10000 do assert(t[i] == i and t["k" .. i][1] == i) end
print(#t, t ~= large) --> expect: 10000\ttrue
local deep = {}
for i = 1, 100000 do deep = {deep} end
local depth, t = 0, copy(deep)
while t[1] do depth, t = depth + 1, t[1] end
print(depth) --> expect: 100000
-- A list, linked both ways, with a function in each node.
local list = {}
local last = list
for i = 1, 20000 do
  local node = {before = last, number = i}
  node.get = function() return node.number + i end
  last.after, last = node, node
end
local node, n = copy(list), 0
while node.after do
  local after = node.after
  assert(after.before == node and after.get() == 2 * after.number)
  node, n = after, n + 1
end
print(n) --> expect: 20000
print(#copy(("x"):rep(50000000))) --> expect: 50000000
