-- Elements of a large table change places, by all the ways there are, while the collector is on its way through it.
local SIZE = 3000

-- Whether the table has each of the numbers once, as the item of a table of its own, and nothing was collected from it.
local function check(t, n)
  local seen = {}
  for i = 1, n do
    local x = t[i][1]
    assert(type(x) == "number" and not seen[x])
    seen[x] = true
  end
end

local function new()
  local t = {}
  for i = 1, SIZE do t[i] = {i} end
  return t
end

local ways = {
  swap = function(t, i)
    local j = i * 7919 % SIZE + 1
    t[1 + i % SIZE], t[j] = t[j], t[1 + i % SIZE]
  end,
  sort = function(t, i)
    if i % 40 == 0 then table.sort(t, function(a, b) return a[1] * i % 1009 < b[1] * i % 1009 end) end
  end,
  rotate = function(t, i)
    table.insert(t, 1, table.remove(t))
  end,
  unrotate = function(t, i)
    local at = i * 31 % SIZE + 1
    table.insert(t, table.remove(t, at))
  end,
  move = function(t, i)
    local last = t[SIZE]
    table.move(t, 1, SIZE - 1, 2)
    t[1] = last
  end,
  part = function(t, i)
    -- The upper half goes down through another table.
    local half = SIZE // 2
    local lower = table.move(t, 1, half, 1, {})
    table.move(t, half + 1, SIZE, 1)
    table.move(lower, 1, half, SIZE - half + 1, t)
  end,
  renew = function(t, i)
    local at = i * 31 % SIZE + 1
    t[at] = {t[at][1]}
  end,
}

collectgarbage("stop")
for name, way in pairs(ways) do
  local t = new()
  collectgarbage()
  local cycles, turn = 0, 0
  while cycles < 3 do
    turn = turn + 1
    way(t, turn)
    if collectgarbage("step", 0) then cycles = cycles + 1 end
    assert(turn < 100000, "the cycle does not end: " .. name)
  end
  check(t, SIZE)
end

-- Strings and numbers, which are sorted without calls.
for _, make in ipairs { function(i) return "string " .. i * 7919 % 10007 end, function(i) return i * 7919 % 10007 end } do
  local t = {}
  for i = 1, SIZE do t[i] = make(i) end
  local cycles, turn = 0, 0
  while cycles < 2 do
    turn = turn + 1
    if turn % 50 == 0 then
      for i = 1, SIZE do t[i] = make(i + turn) end
      table.sort(t)
    end
    if collectgarbage("step", 0) then cycles = cycles + 1 end
  end
  table.sort(t)
  for i = 2, SIZE do assert(t[i - 1] <= t[i]) end
end

-- Keys of a large hash come and go.
do
  local t, keys = {}, {}
  for i = 1, SIZE do keys[i] = {i} t[keys[i]] = {i} end
  local cycles, turn = 0, 0
  while cycles < 4 do
    turn = turn + 1
    local at = turn * 31 % SIZE + 1
    local value = t[keys[at]]
    t[keys[at]] = nil
    keys[at] = {at}
    t[keys[at]] = turn % 2 == 0 and value or {at}
    if collectgarbage("step", 0) then cycles = cycles + 1 end
  end
  collectgarbage("restart")
  for i = 1, 100 do collectgarbage("step", 10) end
  local count = 0
  for key, value in pairs(t) do
    assert(key[1] == value[1] and keys[key[1]] == key)
    count = count + 1
  end
  assert(count == SIZE)
end
print("done") --> expect: done
