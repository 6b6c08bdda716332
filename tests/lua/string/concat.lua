-- Concatenation (manual §3.4.6): lengths around the limits of short strings and of what is gathered at once, numbers, metamethods
local function repeated(c, n) return string.rep(c, n) end
local good = true
for _, m in ipairs({0, 1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 32, 33, 39, 40, 41, 80, 119, 120, 121, 159, 160, 161, 162, 1000}) do
  for _, n in ipairs({0, 1, 7, 39, 40, 41, 120, 160, 161}) do
    local a, b = repeated("a", m), repeated("b", n)
    local ab, aba, a1b = a .. b, a .. b .. a, a .. 1 .. b
    good = good and #ab == m + n and ab == table.concat({a, b}) and aba == table.concat({a, b, a}) and a1b == table.concat({a, "1", b})
    good = good and ab:find("^a*b*$") ~= nil and ({[ab] = true})[table.concat({a, b})] == true
  end
end
print(good) --> expect: true
-- One of the operands is the whole
local long = repeated("x", 500)
print(long .. "" == long, "" .. long == long, "" .. long .. "" == long, "" .. "", ("" .. 1), (1 .. "")) --> expect: true\ttrue\ttrue\t\t1\t1
-- Numbers
print(1 .. 2 .. 3, 1.5 .. -2, -0.0 .. "", 1e15 .. "", 2^53 .. "", 1e100 .. "|" .. -1e-100, math.mininteger .. math.maxinteger) --> expect: 123\t1.5-2\t-0.0\t1e+15\t9.007199254741e+15\t1e+100|-1e-100\t-92233720368547758089223372036854775807
print(1/0 .. "", -1/0 .. "", 0.1 .. " " .. 1/3 .. " " .. 100 .. " " .. 1e14 .. " " .. 123456.789e3) --> expect: inf\t-inf\t0.1 0.33333333333333 100 1e+14 123456789.0
local parts = 1 .. 2.5 .. 3 .. -4.25 .. 1e300 .. 5 .. 1e-10 .. 6 .. 7 .. 8 .. 9 .. 10
print(parts, #parts) --> expect: 12.53-4.251e+30051e-10678910\t28
local text = repeated("n", 150) .. 12345678 .. repeated("m", 10) .. 0.5
print(#text, text:sub(149, 160), text:sub(-4)) --> expect: 171\tnn12345678mm\tm0.5
-- The operands stay as they are
local i, f = 12, 0.5
local joined = repeated("z", 200) .. i .. f
print(#joined, math.type(i), math.type(f), i + 1, f + 1) --> expect: 205\tinteger\tfloat\t13\t1.5
-- From right to left, up to a metamethod
local log = {}
local mt = {__concat = function(a, b)
  local function name(x) return type(x) == "table" and x.name or type(x) .. ":" .. tostring(x) end
  log[#log + 1] = name(a) .. "+" .. name(b)
  return "<" .. (type(a) == "table" and "t" or a) .. "," .. (type(b) == "table" and "t" or b) .. ">"
end}
local t = setmetatable({name = "T"}, mt)
print("a" .. 1 .. t .. 2 .. "b", t .. long:sub(1, 3) .. 4, 5 .. t) --> expect: a1<t,2b>\t<t,xxx4>\t<5,t>
print(table.concat(log, " ")) --> expect: T+string:2b T+string:xxx4 number:5+T
-- Errors name what cannot be joined
local name, u = {}, nil
print(pcall(function() return "a" .. name end)) --> expect: false\tconcat.lua:39: attempt to concatenate a table value (upvalue 'name')
print(pcall(function() return 1 .. u .. "b" end)) --> expect: false\tconcat.lua:40: attempt to concatenate a nil value (upvalue 'u')
print(pcall(function() return u .. "b" end)) --> expect: false\tconcat.lua:41: attempt to concatenate a nil value (upvalue 'u')
print(pcall(function() return "x" .. true end)) --> expect: false\tconcat.lua:42: attempt to concatenate a boolean value
print(pcall(function() return repeated("q", 300) .. print .. 1 end)) --> expect: false\tconcat.lua:43: attempt to concatenate a function value (global 'print')
-- In coroutines, a metamethod may yield in the midst
local co = coroutine.wrap(function()
  local y = setmetatable({}, {__concat = function(a, b) return coroutine.yield(a, b) end})
  return "p" .. 1 .. y .. "q" .. 2
end)
local function kind(a, b) return type(a), b end
print(kind(co())) --> expect: table\tq2
print(co("R")) --> expect: p1R
-- Length
print(#"", #"abc", #repeated("k", 40), #repeated("k", 41), pcall(function() return #i end)) --> expect: 0\t3\t40\t41\tfalse\tconcat.lua:53: attempt to get length of a number value (upvalue 'i')
