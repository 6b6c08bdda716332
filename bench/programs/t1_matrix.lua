-- Tables: arrays of arrays of floats.
local function matrix(n, f)
  local m = {}
  for i = 1, n do local row = {} for j = 1, n do row[j] = f(i, j) end m[i] = row end
  return m
end
local n = 300
local a, b = matrix(n, function(i, j) return i / j end), matrix(n, function(i, j) return i - j end)
local c = matrix(n, function() return 0.0 end)
for i = 1, n do
  local ai, ci = a[i], c[i]
  for j = 1, n do
    local x = 0.0
    for k = 1, n do x = x + ai[k] * b[k][j] end
    ci[j] = x
  end
end
print("matrix", string.format("%.6f", c[1][n] + c[n][1]))
