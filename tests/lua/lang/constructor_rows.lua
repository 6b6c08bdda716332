-- Rows of items in constructors: what they hold, whatever their number and wherever it comes from.
local function some(n)
  local t = {}
  for i = 1, n do t[i] = i end
  return table.unpack(t, 1, n)
end

local function show(t, n)
  local parts = {}
  for i = 1, n do parts[i] = tostring(t[i]) end
  print(#t, table.concat(parts, " "))
end

show({}, 1) --> expect: 0\tnil
show({1}, 2) --> expect: 1\t1 nil
show({some(0)}, 1) --> expect: 0\tnil
show({some(3)}, 4) --> expect: 3\t1 2 3 nil
show({"a", some(2)}, 4) --> expect: 3\ta 1 2 nil
show({"a", (some(2))}, 3) --> expect: 2\ta 1 nil
show({some(2), "b"}, 3) --> expect: 2\t1 b nil
show({nil, 2}, 3) --> expect: 2\tnil 2 nil
show({x = 1, 2, some(2)}, 4) --> expect: 3\t2 1 2 nil
show({[1] = "k", "item"}, 2) --> expect: 1\titem nil
show({"item", [1] = "k"}, 2) --> expect: 1\titem nil

-- One run of items more or less.
local function sum(t)
  local s = 0
  for _, v in ipairs(t) do s = s + v end
  return s
end
for _, n in ipairs {49, 50, 51, 99, 100, 101, 400} do
  local list = table.concat({some(n)}, ",")
  local t = load("return {" .. list .. "}")()
  local u = load("local some = ... return {" .. list .. ", some(7)}")(some)
  assert(#t == n and sum(t) == n * (n + 1) // 2)
  assert(#u == n + 7 and sum(u) == n * (n + 1) // 2 + 28)
end

-- More items than the stack had room for.
local many = {some(5000)}
print(#many, many[5000]) --> expect: 5000\t5000

-- The collector has looked at the table before its items come: they are kept all the same.
local kept = {}
collectgarbage("stop")
for i = 1, 2000 do
  kept[i] = {collectgarbage("step", 0) and {} or {}, {i}, {"x" .. i}}
end
collectgarbage("restart")
collectgarbage()
for i = 1, 2000 do
  assert(kept[i][2][1] == i and kept[i][3][1] == "x" .. i and type(kept[i][1]) == "table")
end
