-- Allocation: points, pairs and empty tables that live for one expression, beside an array of some that stay.
local function point(x, y) return {x = x, y = y} end
local function add(a, b) return point(a.x + b.x, a.y + b.y) end
local kept, sum, at = {}, 0, point(0, 0)
for i = 1, 1200000 do
  at = add(at, point(1, i % 2))
  local pair, empty = {i, at}, {}
  if i % 10 == 0 then kept[i / 10 % 5000 + 1] = pair end
  sum = sum + pair[1] % 3 + #empty
end
local n = 0
for _ in pairs(kept) do n = n + 1 end
print("small_tables", sum, at.x, at.y, n)
