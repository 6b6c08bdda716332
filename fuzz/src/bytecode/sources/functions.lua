local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end
local function vararg(...) local a, b, c = ... local t = {...} return select('#', ...), a, b, c, #t, ... end
emit(vararg(1, 2, fib(5)))
local list = {}
for i = 1, 60 do list[#list + 1] = function() i = i + 1 return i end end
for i = 60, 1, -7 do emit(list[i]()) end
for x = 1.5, 3.25, 0.25 do emit(x) end
local a, b = 1, 2
