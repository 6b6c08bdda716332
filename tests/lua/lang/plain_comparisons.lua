-- Comparisons of numbers of different types and of strings, with variables and constants, taken and negated.
local function all(a, b)
  local t = {a == b, a ~= b, a < b, a <= b, a > b, a >= b, not (a < b), not (a <= b), not (a == b)}
  local s = ""
  for i = 1, #t do s = s .. (t[i] and "1" or "0") end
  local n = 0
  if a < b then n = n + 1 end
  if a <= b then n = n + 2 end
  if a > b then n = n + 4 end
  if a >= b then n = n + 8 end
  if a == b then n = n + 16 end
  if a ~= b then n = n + 32 end
  while a < b do n = n + 64 break end
  while not (a <= b) do n = n + 128 break end
  repeat n = n + 256 until a == b or n > 512
  return s .. ":" .. n
end
local big, huge = 2 ^ 53, math.maxinteger
for _, pair in ipairs {{1, 1.0}, {1, 1.5}, {2, 1.5}, {-1, -1.5}, {0, -0.0}, {9007199254740993, big}, {huge, 2 ^ 63}, {math.mininteger, -2 ^ 63},
  {huge, 1 / 0}, {huge, -1 / 0}, {1, 0 / 0}, {3, 3}, {2.5, 2.5}} do
  print(all(pair[1], pair[2]), all(pair[2], pair[1]))
--> expect: 100101100:282\t100101100:282
--> expect: 011100001:611\t010011111:684
--> expect: 010011111:684\t011100001:611
--> expect: 010011111:684\t011100001:611
--> expect: 100101100:282\t100101100:282
--> expect: 010011111:684\t011100001:611
--> expect: 011100001:611\t010011111:684
--> expect: 100101100:282\t100101100:282
--> expect: 011100001:611\t010011111:684
--> expect: 010011111:684\t011100001:611
--> expect: 010000111:672\t010000111:672
--> expect: 100101100:282\t100101100:282
--> expect: 100101100:282\t100101100:282
end
local long, same, other = ("x"):rep(50), ("x"):rep(49) .. "x", ("x"):rep(50) .. "y"
for _, pair in ipairs {{"", ""}, {"", "a"}, {"a", "b"}, {"a", "aa"}, {"ab", "aa"}, {"a\0b", "a\0c"}, {"a", "a\0"}, {"\255", "a"}, {"Z", "a"},
  {long, same}, {long, other}, {long, "x"}, {"10", "9"}} do
  print(all(pair[1], pair[2]), all(pair[2], pair[1]))
--> expect: 100101100:282\t100101100:282
--> expect: 011100001:611\t010011111:684
--> expect: 011100001:611\t010011111:684
--> expect: 011100001:611\t010011111:684
--> expect: 010011111:684\t011100001:611
--> expect: 011100001:611\t010011111:684
--> expect: 011100001:611\t010011111:684
--> expect: 010011111:684\t011100001:611
--> expect: 011100001:611\t010011111:684
--> expect: 100101100:282\t100101100:282
--> expect: 011100001:611\t010011111:684
--> expect: 010011111:684\t011100001:611
--> expect: 011100001:611\t010011111:684
end
local i, f, s = 3, 3.0, "text"
print(i == 3.0, f == 3, i == 3.5, f == 3.5, i ~= 3.0, f ~= 3, i == 9007199254740993.0, s == 3, f == "3", s == "text", nil == 0.5, {} == 0.5) --> expect: true\ttrue\tfalse\tfalse\tfalse\tfalse\tfalse\tfalse\tfalse\ttrue\tfalse\tfalse
print(long == "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", long ~= "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", other == "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx") --> expect: true\tfalse\tfalse
print(i < 3.5, i <= 2.5, f < 4, f >= 3, 3.5 > i, i > -0.5) --> expect: true\tfalse\ttrue\ttrue\ttrue\ttrue
print(pcall(function() return i < "3" end)) --> expect: false\tplain_comparisons.lua:58: attempt to compare number with string
print(pcall(function() return "3" < i end)) --> expect: false\tplain_comparisons.lua:59: attempt to compare string with number
print(pcall(function() return f <= {} end)) --> expect: false\tplain_comparisons.lua:60: attempt to compare number with table
print(pcall(function() return s < nil end)) --> expect: false\tplain_comparisons.lua:61: attempt to compare string with nil
local mt = {__lt = function(a, b) return type(a) == "string" end, __le = function(a, b) return type(b) == "string" end, __eq = function() return true end}
local t, u = setmetatable({}, mt), setmetatable({}, mt)
print(t < s, s < t, t <= s, s <= t, t < i, i <= t, t == u, t == s, s == t, t ~= u, t == 1, 1 == t) --> expect: false\ttrue\ttrue\tfalse\tfalse\tfalse\ttrue\tfalse\tfalse\tfalse\tfalse\tfalse

-- Methods of strings, while their table changes.
local function shout(x) return x:upper() end
print(shout("a")) --> expect: A
string.upper = function(x) return x .. "!" end
print(shout("b")) --> expect: b!
string.upper = nil
print(pcall(shout, "c")) --> expect: false\tplain_comparisons.lua:67: attempt to call a nil value (method 'upper')
local meta = getmetatable("")
local old = meta.__index
meta.__index = function(_, name) return function(x) return x .. "." .. name end end
print(shout("d"))
meta.__index = {upper = function(x) return "table " .. x end}
print(shout("e"), shout("f"))
meta.__index = setmetatable({}, {__index = old})
old.upper = function() return "inherited" end
print(shout("g"), ("h"):rep(2))
meta.__index = nil
print(pcall(shout, "i"))
debug.setmetatable("", nil)
print(pcall(shout, "j"))
debug.setmetatable("", meta)
meta.__index = old
for n = 1, 40 do meta["field" .. n] = n end
print(shout("k"), ("l"):len())
--> expect: d.upper
--> expect: table e\ttable f
--> expect: inherited\thh
--> expect: false\tplain_comparisons.lua:67: attempt to index a string value (local 'x')
--> expect: false\tplain_comparisons.lua:67: attempt to index a string value (local 'x')
--> expect: inherited\t1
