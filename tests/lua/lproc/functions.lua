-- Functions go as bytecode, with copies of their upvalues.
local lproc = require "lproc"
local function run(f, ...) return select(2, lproc.start(f, ...):join()) end

print(run(function(...) return select("#", ...) end, nil, nil)) --> expect: 2
print(run(function(a, b) return a + b end, 1, 2)) --> expect: 3
print(lproc.start(function() return 1, nil, "three", {4} end):join() == true) --> expect: true
print(select("#", lproc.start(function() return nil, nil end):join())) --> expect: 3

-- Upvalues are copies.
local n, t = 1, {"table"}
local function count() n = n + 1 return n, t end
local m, u = run(count)
print(m, n, u[1], u ~= t) --> expect: 2\t1\ttable\ttrue

-- Functions that share a variable share a new one, also across values and tables.
local function counter()
  local n = 0
  return {up = function() n = n + 1 return n end, get = function() return n end}
end
print(run(function(c) c.up() c.up() return c.get() end, counter())) --> expect: 2
local c = counter()
print(run(function(up, get) up() return get() end, c.up, c.get), c.get()) --> expect: 1\t0

-- Recursion, through locals and tables.
local function fib(n) return n < 2 and n or fib(n - 1) + fib(n - 2) end
print(run(fib, 15)) --> expect: 610
local even, odd
function even(n) return n == 0 or odd(n - 1) end
function odd(n) return n > 0 and even(n - 1) end
print(run(even, 100), run(odd, 100)) --> expect: true\tfalse
local object = {n = 5}
function object.get() return object.n end
print(run(function() object.n = 6 return object.get() end)) --> expect: 6
local f = run(function() local function g() return g end return g end)
print(f() == f) --> expect: true

-- Globals are the receiver's, whichever upvalue the table of globals is; another environment is copied.
value = "main's"
print(run(function() return value end)) --> expect: nil
print(run(function() value = "its own" return value end)) --> expect: its own
local f = load("return value", "chunk", "t", {value = "of the environment"})
print(run(f)) --> expect: of the environment

-- Libraries as upvalues are the receiver's.
local s, l = string, lproc
print(run(function() return s == string and l == require "lproc" and s.rep("x", 3) end)) --> expect: xxx

-- A function with many upvalues and constants, varargs, nested functions, and debug information.
local code = {"local v = ...", "return function() return v"}
local locals, sum = {}, {}
for i = 1, 100 do locals[i] = "local a" .. i .. " = " .. i sum[i] = "a" .. i end
local f = load(table.concat(locals, "\n") .. "\nreturn function(...) return " .. table.concat(sum, " + ") .. ", ... end")()
print(run(f, "and more")) --> expect: 5050\tand more
print((select(2, pcall(run(function() return function() error "here" end end))))) --> expect: functions.lua:55: here
print(run(function() local info = debug.getinfo(1, "Sl") return info.short_src, info.currentline end))
--> expect: functions.lua\t56

-- Stripped functions go, too.
print(run(load(string.dump(function(x) return x * 2 end, true)), 21)) --> expect: 42

-- A function may come back many times.
local function identity(...) return ... end
local f = identity
for i = 1, 5 do f = run(function(g) return g end, f) end
print(f(1, 2)) --> expect: 1\t2
