-- The scanner takes names, numbers, strings and comments in whole runs where they lie in one piece: the pieces in which a chunk
-- comes must make no difference, and messages must show the text that was read.
local function pieces(text, size)
  local at = 1 - size
  return function() at = at + size return text:sub(at, at + size - 1) end
end
local source = [==[
local alpha, _b9, Z = 1, 2.5, 0x1F   -- a comment; until the line ends
--[[ a long
  comment ]] local s = "plain" .. 'single "quoted"' .. "esc\tape\65\x41\z
     \u{48}" .. [[
long ]=] string
]] .. [=[with ]] in it]=]
local numbers = {0, 7, 00012, 123456789012345, 1234567890123456, 9223372036854775807, 9223372036854775808, 1.5, 0.1, 3., .25,
  123.456, 0.000001, 123456.7890123, 99999999.9999999, 999999999.9999999, 1e3, 1.5e-3, 0x.8p1, 0xA, 3e0}
local function f(...) local and_x, nott, e = ... return and_x, nott, e, alpha, _b9, Z end
if not s then goto ending end
::ending:: for i = 1, #numbers do s = s .. "," .. tostring(numbers[i]) .. math.type(numbers[i]) end
return s, select("#", f(1, 2)), 5 // 2, 1 << 4, 17 >> 2, 3 ~= 4, 2 ~ 1, 7 == 7, 6 <= 5, 6 >= 5
]==]
local whole = table.pack(load(source)())
print(table.unpack(whole)) --> expect: plainsingle "quoted"esc\tapeAAHlong ]=] string --> expect: with ]] in it,0integer,7integer,12integer,123456789012345integer,1234567890123456integer,9223372036854775807integer,9.2233720368548e+18float,1.5float,0.1float,3.0float,0.25float,123.456float,1e-06float,123456.7890123float,100000000.0float,1000000000.0float,1000.0float,0.0015float,1.0float,10integer,3.0float\t6\t2\t16\t4\ttrue\t3\ttrue\tfalse\ttrue
for _, size in ipairs {1, 2, 3, 7, 40} do
  local got = table.pack(assert(load(pieces(source, size)))())
  assert(got.n == whole.n)
  for i = 1, got.n do assert(rawequal(got[i], whole[i]), size) end
end
-- A message shows the name, number or string that was read, in whatever pieces it came.
for _, wrong in ipairs {"x = = 1", "x = name another", "local 12", "x = 12 34", "x = 1.5 2.5", "f 'str' 17 z", "x = 3x", "x = 1..2",
    "x = 12e", "x = 0x", "x = 'abc", "x = \"abc\nd\"", "x = 1234567890123456789012z", "x = {a 1}", "x = {a b = 1}", "goto while",
    "x = [==[ abc", "--[[ abc", "x = 'a\\q'", "x = 99999999999999999.5 a.b", "for k in in", "x = a.'b'", "a.b:c = 1", "x = }", "x = 5."
    .. ". 6", "return 7 8", "x = \"q\" 'r'", "local function 3", "x = ..5", "x = a..b c"} do
  local _, message = load(wrong, "=c")
  print(message)
--> expect: c:1: unexpected symbol near '='
--> expect: c:1: syntax error near <eof>
--> expect: c:1: <name> expected near '12'
--> expect: c:1: unexpected symbol near '34'
--> expect: c:1: unexpected symbol near '2.5'
--> expect: c:1: unexpected symbol near '17'
--> expect: c:1: syntax error near <eof>
--> expect: c:1: malformed number near '1..2'
--> expect: c:1: malformed number near '12e'
--> expect: c:1: malformed number near '0x'
--> expect: c:1: unfinished string near <eof>
--> expect: c:1: unfinished string near '"abc'
--> expect: c:1: syntax error near <eof>
--> expect: c:1: '}' expected near '1'
--> expect: c:1: '}' expected near 'b'
--> expect: c:1: <name> expected near 'while'
--> expect: c:1: unfinished long string (starting at line 1) near <eof>
--> expect: c:1: unfinished long comment (starting at line 1) near <eof>
--> expect: c:1: invalid escape sequence near ''a\\q'
--> expect: c:1: syntax error near <eof>
--> expect: c:1: unexpected symbol near 'in'
--> expect: c:1: <name> expected near ''b''
--> expect: c:1: function arguments expected near '='
--> expect: c:1: unexpected symbol near '}'
--> expect: c:1: malformed number near '5..'
--> expect: c:1: <eof> expected near '8'
--> expect: c:1: unexpected symbol near ''r''
--> expect: c:1: <name> expected near '3'
--> expect: c:1: unexpected symbol near '..'
--> expect: c:1: syntax error near <eof>
  for size = 1, 5, 2 do
    local _, other = load(pieces(wrong, size), "=c")
    assert(message == other, other)
  end
end
-- A function's constants are found again, the first ones and those after them.
local parts = {}
for round = 1, 2 do
  for i = 1, 60 do parts[#parts + 1] = ("t[%d.5] = 'v%d' t.n%d = %d00000"):format(i, i, i, i + 1000000) end
  parts[#parts + 1] = "t.inner = function(t) return 3.5, 'v7', 'n60', 2.5 == t, t == 'v1' end"
end
local t = {}
load("local t = ... " .. table.concat(parts, " "))(t)
for i = 1, 60 do assert(t[i + 0.5] == "v" .. i and t["n" .. i] == (i + 1000000) * 100000) end
print(t.inner(2.5)) --> expect: 3.5\tv7\tn60\ttrue\tfalse
