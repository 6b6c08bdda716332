-- about: binary trees: nodes of one size, most of which die young beside a tree that stays
-- stresses: small blocks of few sizes, many at once; freeing in the order of a sweep
-- sizes: quick 15, default 17, long 20
local depth = tonumber((...)) or 15

local function grow(levels)
  if levels == 0 then return {} end
  return {grow(levels - 1), grow(levels - 1)}
end

local function nodes(tree)
  return tree[1] and 1 + nodes(tree[1]) + nodes(tree[2]) or 1
end

local lasting, sum = grow(depth), 0
for levels = 4, depth, 2 do
  for _ = 1, 1 << (depth - levels) do sum = sum + nodes(grow(levels)) end
end
print("binary_trees", sum, nodes(lasting))
