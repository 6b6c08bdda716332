-- How tables grow, and where `#` finds their end.
local function count(t) local n = 0 for _ in pairs(t) do n = n + 1 end return n end

-- Appending to what a constructor made, with and without fields.
for size = 0, 9 do
  local t, u = {table.unpack({1, 2, 3, 4, 5, 6, 7, 8, 9}, 1, size)}, {x = 1, y = 2, table.unpack({1, 2, 3, 4, 5, 6, 7, 8, 9}, 1, size)}
  for i = size + 1, 40 do t[i] = i u[i] = i t[#t] = i end
  assert(#t == 40 and #u == 40 and count(t) == 40 and count(u) == 42)
  for i = 1, 40 do assert(t[i] == i and u[i] == i) end
end

-- The end moves by one, by two, to the beginning and back.
local t = {}
for i = 1, 33 do t[i] = i end
for i = 33, 1, -1 do t[i] = nil assert(#t == i - 1) end
for i = 1, 60 do t[i] = i assert(#t == i) end
for i = 60, 2, -2 do t[i] = nil t[i - 1] = nil assert(#t == i - 2) end
for i = 1, 59, 2 do t[i] = i t[i + 1] = i assert(#t == i + 1) end
for i = 60, 11, -1 do t[i] = nil end
assert(#t == 10)
for i = 11, 64 do t[i] = i end
assert(#t == 64)
for i = 64, 1, -1 do t[i] = nil end
assert(#t == 0 and next(t) == nil)
t[1] = 1
assert(#t == 1)

-- Integers as payloads of what was nil before.
t = {}
for i = 1, 16 do t[i] = 5 end
for i = 16, 9, -1 do t[i] = nil end
assert(#t == 8)
t[16] = 3 t[16] = nil
assert(#t == 8)

-- A nil among them at the beginning.
print(#{nil, 2, 3}, #{nil, nil, 3}, #{1, 2, nil, 4}, #{nil}, #{nil, nil}) --> expect: 3\t3\t4\t0\t0

-- Keys from above.
t = {}
for i = 100, 1, -1 do t[i] = i end
assert(#t == 100)
-- Sparse keys do not become elements of a huge array.
t = {}
for i = 0, 30 do t[1 << i] = i end
assert(count(t) == 31 and t[1 << 30] == 30)
t = {}
for i = 0, 20 do t[1 << i] = i t[(1 << i) + 1] = i end
assert(count(t) == 41)

-- Traversal while fields are set to nil, and after growth.
t = {}
for i = 1, 100 do t[i] = i t["k" .. i] = i end
local seen = 0
for k in pairs(t) do t[k] = nil seen = seen + 1 end
print(seen, next(t)) --> expect: 200\tnil
for i = 1, 100 do t["k" .. i] = -i end
print(count(t), t.k1, t.k100) --> expect: 100\t-1\t-100
