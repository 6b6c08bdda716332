-- Tables: keys that are computed: strings, sparse integers, floats, tables; inserted, found, missed, deleted.
local sum = 0
for round = 1, 9 do
  local names, t, objects = {}, {}, {}
  for i = 1, 20000 do names[i] = "name" .. i objects[i] = {} end
  for i = 1, 20000 do t[names[i]] = i t[i * 1000003] = i t[i + 0.5] = i t[objects[i]] = i end
  for _ = 1, 6 do
    for i = 1, 20000 do
      sum = sum + t[names[i]] % 3 + t[i * 1000003] % 5 + t[i + 0.5] % 7 + t[objects[i]] % 11
      if t[-i] or t[i] then sum = sum + 1 end
    end
  end
  for i = 1, 20000 do t[names[i]] = nil t[objects[i]] = nil end
  for i = 1, 20000 do t[i % 1000] = (t[i % 1000] or 0) + 1 end
  sum = sum + t[7]
end
print("hash", sum)
