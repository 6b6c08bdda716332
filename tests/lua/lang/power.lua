-- Powers and floor division of all sorts of numbers.
local function same(a, b) return a == b and math.type(a) == math.type(b) and 1 / a == 1 / b or a ~= a and b ~= b end
local function pow(x, y) return x ^ y end
local two, two_float, half, minus = 2, 2.0, 0.5, -2
print(3 ^ two, 3.5 ^ two, 3 ^ two_float, -3 ^ two, (-3) ^ two, (-0.0) ^ two, 2 ^ half == math.sqrt(2), 2 ^ minus, 2 ^ -1) --> expect: 9.0\t12.25\t9.0\t-9.0\t9.0\t0.0\ttrue\t0.25\t0.5
local x, i, big = 1.5, 7, math.mininteger
print(x ^ 2, i ^ 2, x ^ 2.0, i ^ 2.0, big ^ 2, x ^ 3, i ^ 3, i ^ 0, x ^ 0.5, i ^ -1) --> expect: 2.25\t49.0\t2.25\t49.0\t8.5070591730235e+37\t3.375\t343.0\t1.0\t1.2247448713916\t0.14285714285714
local inf, nan = 1 / 0, 0 / 0
print(inf ^ 2, (-inf) ^ 2, same(nan ^ 2, nan), nan ^ 0, 1 ^ nan, pow(inf, 2), pow(2, inf), pow(-8, 1 / 3) ~= pow(-8, 1 / 3)) --> expect: inf\tinf\ttrue\t1.0\t1.0\tinf\tinf\ttrue
print("3" ^ 2, 3 ^ "2", "0x10" ^ "2", pow("4", 0.5), pow(4, "0.5")) --> expect: 9.0\t9.0\t256.0\t2.0\t2.0
for _, bad in ipairs {{}, false, "x", print} do
  print((select(2, pcall(function() return bad ^ 2 end)):gsub("0x%x+", "?")), pcall(pow, 2, bad))
--> expect: power.lua:12: attempt to perform arithmetic on a table value (upvalue 'bad')\tfalse\tpower.lua:3: attempt to perform arithmetic on a table value (local 'y')
--> expect: power.lua:12: attempt to perform arithmetic on a boolean value (upvalue 'bad')\tfalse\tpower.lua:3: attempt to perform arithmetic on a boolean value (local 'y')
--> expect: power.lua:12: attempt to perform arithmetic on a string value (upvalue 'bad')\tfalse\tpower.lua:3: attempt to perform arithmetic on a string value (local 'y')
--> expect: power.lua:12: attempt to perform arithmetic on a function value (upvalue 'bad')\tfalse\tpower.lua:3: attempt to perform arithmetic on a function value (local 'y')
end
local mt = {__pow = function(a, b) return "pow", type(a), type(b) end, __idiv = function(a, b) return type(a) .. "//" .. type(b) end}
local t = setmetatable({}, mt)
print(t ^ 2, 2 ^ t, t ^ 2.0, t ^ t, t // 2, 2 // t, t // 2.5, 2.5 // t, t // t) --> expect: pow\tpow\tpow\tpow\ttable//number\tnumber//table\ttable//number\tnumber//table\ttable//table
print(7 // 2, 7.0 // 2, 7 // 2.0, -7 // 2, -7.0 // 2, -7 // 2.0, 7.5 // -2, 0.0 // 5, -0.0 // 5, 5.5 // 0, -5 // 0.0) --> expect: 3\t3.0\t3.0\t-4\t-4.0\t-4.0\t-4.0\t0.0\t-0.0\tinf\t-inf
local n, f = 7, -7.5
print(n // 2, f // 2, n // 2.5, f // 2.5, n // 1, f // 1, f // 3, 1e300 // 7, f // -3, n // -3, n // inf, f // inf) --> expect: 3\t-4.0\t2.0\t-3.0\t7\t-8.0\t-3.0\t1.4285714285714e+299\t2.0\t-3\t0.0\t-0.0
print(pcall(function() return n // 0 end)) --> expect: false\tpower.lua:24: attempt to divide by zero
print(f // 0, same(0.0 / 0 // 1, nan), "10" // 3, 10 // "3", "7.5" // 2) --> expect: -inf\ttrue\t3.0\t3.0\t3.0
print(pcall(function() return f // {} end)) --> expect: false\tpower.lua:26: attempt to perform arithmetic on a table value
print(pcall(function() local s = {} return s.x // 2 end)) --> expect: false\tpower.lua:27: attempt to perform arithmetic on a nil value (field 'x')
