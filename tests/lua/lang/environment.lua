-- Manual §2.2: _ENV.
x = "global"
print(_ENV == _G, _G.x, _ENV.x)
do
  local _ENV = { print = print }
  x = "inside"
  print(x)
end
print(x)
local function with(_ENV) return a + b end
print(with { a = 1, b = 2 })
local env = setmetatable({}, { __index = _G })
local chunk = load("y = 5; return y, x", "chunk", "t", env)
print(chunk())
print(env.y, y)
print(pcall(load("return z.z", "=chunk", "t", { })))
print(pcall(load("local _ENV = nil; return z", "=chunk")))
_ENV.dynamic = "set"
print(dynamic)
