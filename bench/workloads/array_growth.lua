-- about: three arrays that grow side by side by appending, again and again
-- stresses: doubling blocks: what realloc in place saves; few calls, many bytes
-- sizes: quick 150000, default 600000, long 3000000
local length = tonumber((...)) or 150000

local sum = 0
for round = 1, 6 do
  local arrays = {{}, {}, {}}
  for i = 1, length do
    for a = 1, 3 do arrays[a][i] = i + a end
  end
  for a = 1, 3 do sum = sum + #arrays[a] + arrays[a][length // a] end
end
print("array_growth", sum)
