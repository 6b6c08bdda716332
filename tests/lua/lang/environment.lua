-- Manual §2.2: _ENV.
x = "global"
print(_ENV == _G, _G.x, _ENV.x) --> expect: true\tglobal\tglobal
do
  local _ENV = { print = print }
  x = "inside"
  print(x) --> expect: inside
end
print(x) --> expect: global
local function with(_ENV) return a + b end
print(with { a = 1, b = 2 }) --> expect: 3
local env = setmetatable({}, { __index = _G })
local chunk = load("y = 5; return y, x", "chunk", "t", env)
print(chunk()) --> expect: 5\tglobal
print(env.y, y) --> expect: 5\tnil
print(pcall(load("return z.z", "=chunk", "t", { }))) --> expect: false\tchunk:1: attempt to index a nil value (global 'z')
print(pcall(load("local _ENV = nil; return z", "=chunk"))) --> expect: false\tchunk:1: attempt to index a nil value (local '_ENV')
_ENV.dynamic = "set"
print(dynamic) --> expect: set
