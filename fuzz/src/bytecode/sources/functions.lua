local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end
local function vararg(...) local a, b, c = ... local t = {...} return select('#', ...), a, b, c, #t, ... end
emit(vararg(1, 2, fib(5)))
local function tail(n, ...) local x = n local f = function() x = x + 1 return x end if n > 3 then return f(...) end return tail(n + 1, f()) end
emit(tail(1))
local function loops(t, s)
  for k, v in pairs(t) do local function f() return k end emit(f(), v) end
  for i = 1, 2 do s(i) local g = function() return i, s end emit(g()) end
  while #t < 4 do local x = #t t[#t + 1] = function() return x end emit(x) end
end
loops({1, 2, a = 3}, emit)
local list = {}
for i = 1, 60 do list[#list + 1] = function() i = i + 1 return i end end
for i = 60, 1, -7 do emit(list[i]()) end
for x = 1.5, 3.25, 0.25 do emit(x) end
local a, b = 1, 2
