-- Allocation: trees of tables with fields, most of which die young.
local function make(depth) return depth == 0 and {value = 1} or {left = make(depth - 1), right = make(depth - 1), value = depth} end
local function count(t) return t.left and 1 + count(t.left) + count(t.right) or t.value end
local keep, sum = make(16), 0
for depth = 4, 16, 2 do for _ = 1, 2 ^ (17 - depth) do sum = sum + count(make(depth)) end end
print("trees", sum, count(keep))
