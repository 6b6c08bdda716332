-- Mixed: the game of life on a sparse board: cells under string keys, neighbours counted in a table of each generation.
local function key(x, y) return x .. "," .. y end
local cells = {}
local function set(x, y) cells[key(x, y)] = {x = x, y = y} end
for _, c in ipairs {{1, 0}, {2, 1}, {0, 2}, {1, 2}, {2, 2}} do set(c[1], c[2]) set(c[1] + 30, c[2] + 5) end
for _, c in ipairs {{50, 50}, {51, 50}, {50, 51}, {49, 51}, {50, 52}} do set(c[1], c[2]) end
local function step()
  local counts = {}
  for _, c in pairs(cells) do
    for dx = -1, 1 do for dy = -1, 1 do
      if dx ~= 0 or dy ~= 0 then
        local k = key(c.x + dx, c.y + dy)
        local n = counts[k]
        if n then n.n = n.n + 1 else counts[k] = {n = 1, x = c.x + dx, y = c.y + dy} end
      end
    end end
  end
  local new = {}
  for k, c in pairs(counts) do if c.n == 3 or c.n == 2 and cells[k] then new[k] = c end end
  cells = new
end
for _ = 1, 700 do step() end
local n, sum = 0, 0
for _, c in pairs(cells) do n = n + 1 sum = sum + c.x * 3 + c.y end
print("life", n, sum)
