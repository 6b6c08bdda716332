-- Manual §6.7.
print(math.abs(-5), math.abs(-5.5), math.abs(math.mininteger), math.ceil(1.2), math.ceil(-1.2), math.floor(1.8), math.floor(-1.8)) --> expect: 5\t5.5\t-9223372036854775808\t2\t-1\t1\t-2
print(math.ceil(5), math.floor(2 ^ 70), math.type(math.floor(1e15)), math.type(math.floor(1e300))) --> expect: 5\t1.1805916207174e+21\tinteger\tfloat
print(math.max(1, 2.5, 2), math.min(3, 1, 2), math.max(1), math.type(math.max(1, 2)), math.max(-0.0, 0)) --> expect: 2.5\t1\t1\tinteger\t-0.0
print(math.fmod(7, 3), math.fmod(-7, 3), math.fmod(7, -3), math.fmod(5.5, 2), math.fmod(-6, 2), math.fmod(math.mininteger, -1)) --> expect: 1\t-1\t1\t1.5\t0\t0
print(math.modf(3.7), math.modf(-3.7), math.modf(5), math.modf(math.huge), math.modf(-math.huge)) --> expect: 3\t-3\t5\tinf\t-inf\t0.0
print(math.sqrt(16), math.sqrt(2), math.exp(0), math.log(1), math.log(8, 2), math.log(100, 10), math.log(27, 3)) --> expect: 4.0\t1.4142135623731\t1.0\t0.0\t3.0\t2.0\t3.0
print(math.sin(0), math.cos(0), math.tan(0), math.asin(1) == math.pi / 2, math.acos(1), math.atan(1, 1) == math.pi / 4, math.atan(-1, -1)) --> expect: 0.0\t1.0\t0.0\ttrue\t0.0\ttrue\t-2.3561944901923
print(math.deg(math.pi), math.rad(180) == math.pi, math.pi, math.huge, -math.huge) --> expect: 180.0\ttrue\t3.1415926535898\tinf\t-inf
print(math.tointeger(3.0), math.tointeger(3.5), math.tointeger("8"), math.tointeger({}), math.tointeger(2 ^ 63)) --> expect: 3\tnil\t8\tnil\tnil
print(math.type(1), math.type(1.0), math.type("1"), math.type(nil)) --> expect: integer\tfloat\tnil\tnil
print(math.ult(1, 2), math.ult(-1, 1), math.ult(1, -1), math.maxinteger, math.mininteger) --> expect: true\tfalse\ttrue\t9223372036854775807\t-9223372036854775808
math.randomseed(42)
local a, b = math.random(100), math.random(100)
math.randomseed(42)
print(a == math.random(100), b == math.random(100), math.random(5, 5)) --> expect: true\ttrue\t5
local good = true
for i = 1, 100 do
  local f, n, m = math.random(), math.random(6), math.random(-3, 3)
  good = good and f >= 0 and f < 1 and n >= 1 and n <= 6 and m >= -3 and m <= 3 and math.type(n) == "integer"
end
print(good) --> expect: true
print(pcall(math.random, 0)) --> expect: false\tbad argument #1 to 'math.random' (interval is empty)
print(pcall(math.random, 2, 1)) --> expect: false\tbad argument #1 to 'math.random' (interval is empty)
print(pcall(math.random, 1, 2, 3)) --> expect: false\twrong number of arguments
print(pcall(math.fmod, 1, 0)) --> expect: false\tbad argument #2 to 'math.fmod' (zero)
print(math.fmod(1, 0.0) ~= math.fmod(1, 0.0)) --> expect: true
print(pcall(math.max)) --> expect: false\tbad argument #1 to 'math.max' (value expected)
print(pcall(math.floor, "x")) --> expect: false\tbad argument #1 to 'math.floor' (number expected, got string)
print(pcall(math.abs)) --> expect: false\tbad argument #1 to 'math.abs' (number expected, got no value)
print(pcall(math.type)) --> expect: false\tbad argument #1 to 'math.type' (value expected)
-- those that LUA_COMPAT_MATHLIB brings
print(math.pow(2, 3), math.cosh(0), math.sinh(0), math.tanh(0), math.frexp(8), math.ldexp(0.5, 4), math.log10(1000)) --> expect: 8.0\t1.0\t0.0\t0.0\t0.5\t8.0\t3.0
-- Squares and roots are exact; the C library's `pow` may be off by one in the last place.
do
  local exact, x = true, 0.1
  for i = 1, 5000 do
    x = (x * 1.37 + i) % 1e6
    exact = exact and x ^ 2 == x * x and x ^ 0.5 == math.sqrt(x) and x ^ 2 == load("local x, y = ... return x ^ y")(x, 2)
  end
  print(exact) --> expect: true
end
