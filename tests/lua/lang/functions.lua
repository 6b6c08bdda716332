-- Manual §3.4.10 and §3.4.11: calls, multiple results, varargs, tail calls, methods, closures.
local function f(...) return select("#", ...), ... end
print(f(), (f(1, 2)), f(nil, nil)) --> expect: 0\t2\t2\tnil\tnil
print((f(1, 2, 3))) --> expect: 3
local t = { f(1, 2), f(3) }
print(#t, t[1], t[2], t[3]) --> expect: 3\t2\t1\t3
print(#{ f(1, nil, 3) }, table.pack(f()).n) --> expect: 4\t1
local object = { value = 10 }
function object:get(add) return self.value + (add or 0) end
function object.plain(x) return x end
print(object:get(), object:get(5), object.plain(7), object.get { value = 1 }) --> expect: 10\t15\t7\t1
print(type "x", #{ ("x"):rep(3):byte(1, -1) }) --> expect: string\t3
local function sum(n, acc) if n == 0 then return acc end return sum(n - 1, acc + n) end
print(sum(100000, 0)) --> expect: 5000050000
local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end
print(fib(15)) --> expect: 610
local function counter()
  local n = 0
  return function() n = n + 1 return n end, function() return n end
end
local up, get = counter()
up() up()
print(get(), counter() ~= up) --> expect: 2\ttrue
local function many(...)
  local a, b, c = ...
  local rest = { select(4, ...) }
  return a, b, c, #rest
end
print(many(1), many(1, 2, 3, 4, 5)) --> expect: 1\t1\t2\t3\t2
print((function(a, b, ...) return a, b, ... end)(1)) --> expect: 1\tnil
print(pcall(function() local x = nil; x() end)) --> expect: false\tfunctions.lua:31: attempt to call a nil value (local 'x')
print(pcall(function() undefined_function() end)) --> expect: false\tfunctions.lua:32: attempt to call a nil value (global 'undefined_function')
print(pcall(function() object.missing() end)) --> expect: false\tfunctions.lua:33: attempt to call a nil value (field 'missing')
print(pcall(function() object:missing() end)) --> expect: false\tfunctions.lua:34: attempt to call a nil value (method 'missing')
print(pcall(function() ("x")() end)) --> expect: false\tfunctions.lua:35: attempt to call a string value (constant 'x')
