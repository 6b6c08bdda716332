-- Memory: one large binary tree that stays, while many small ones come and go.
local function make(depth) if depth == 0 then return {} end return {make(depth - 1), make(depth - 1)} end
local function count(t) return t[1] and 1 + count(t[1]) + count(t[2]) or 1 end
local kept, sum = make(16), 0
for _ = 1, 200 do sum = sum + count(make(10)) end
print(sum, count(kept))
