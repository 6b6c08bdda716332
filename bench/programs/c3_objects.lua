-- Calls: methods, inheritance through __index, operators through metamethods, protected calls.
local Vector = {}
Vector.__index = Vector
local function new(x, y) return setmetatable({x = x, y = y}, Vector) end
Vector.__add = function(a, b) return new(a.x + b.x, a.y + b.y) end
Vector.__eq = function(a, b) return a.x == b.x and a.y == b.y end
function Vector:dot(o) return self.x * o.x + self.y * o.y end
local Named = setmetatable({}, {__index = Vector})
Named.__index = Named
function Named:name() return "n" end
local sum, origin = 0, setmetatable({x = 1, y = 2}, Named)
for i = 1, 1200000 do
  local v = new(i, -i) + new(1, 1)
  sum = (sum + v:dot(origin) + origin:dot(v)) % 1000003
  if v == origin then sum = sum + 1 end
  if not pcall(origin.name, origin) then sum = 0 end
end
print("objects", sum)
