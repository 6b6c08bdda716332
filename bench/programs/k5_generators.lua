-- Coroutines: recursive generators: the permutations of eight items, and a walk through a binary search tree.
local yield, wrap = coroutine.yield, coroutine.wrap
local function permute(a, n)
  if n <= 1 then yield(a) return end
  for i = 1, n do
    a[n], a[i] = a[i], a[n]
    permute(a, n - 1)
    a[n], a[i] = a[i], a[n]
  end
end
local sum = 0
for _ = 1, 36 do
  for p in wrap(function() permute({1, 2, 3, 4, 5, 6, 7, 8}, 8) end) do sum = (sum * 3 + p[1] * p[8]) % 1000003 end
end
local function insert(tree, key)
  if not tree then return {key = key} end
  if key < tree.key then tree.left = insert(tree.left, key) else tree.right = insert(tree.right, key) end
  return tree
end
local function walk(tree) if tree then walk(tree.left) yield(tree.key) walk(tree.right) end end
local tree, seed = nil, 11
for _ = 1, 6000 do seed = seed * 16807 % 2147483647 tree = insert(tree, seed % 100000) end
for _ = 1, 200 do for key in wrap(function() walk(tree) end) do sum = (sum * 3 + key) % 1000003 end end
print("generators", sum)
