-- Each comparison in each place where its jump is taken or skipped, with constants of each kind and with variables.
local values = {
  "nil", "false", "true", "0", "1", "-1", "3", "3.0", "3.5", "-0.0", "0/0", "1/0", "-1/0", "2^53", "1<<53", "(1<<53)+1",
  "math.maxinteger", "math.mininteger", "2^63", "'x'", "'y'", "''", "('x'):rep(50)", "table1", "table2", "print", "loose1", "loose2",
}
table1, table2 = {}, {}
local equal = {__eq = function(a, b) return true end}
loose1, loose2 = setmetatable({}, equal), setmetatable({}, equal)
local constants = {
  "nil", "false", "true", "0", "3", "3.0", "-1", "3.5", "2.0^53", "9007199254740993", "0/0", "-1e300", "'x'", "'y'", "''",
  "'" .. ("x"):rep(50) .. "'",
}
local function bits(source)
  local f = assert(load("local a, b = ... " .. source))
  return f
end
-- What a comparison gives in conditions, in values, negated, and joined with others; equal digits if all is well.
local function forms(comparison)
  return {
    bits("return " .. comparison),
    bits("return not not (" .. comparison .. ")"),
    bits("if " .. comparison .. " then return true end return false"),
    bits("if not (" .. comparison .. ") then return false else return true end"),
    bits("while " .. comparison .. " do return true end return false"),
    bits("repeat if " .. comparison .. " then break end return false until true return true"),
    bits("return " .. comparison .. " and true or false"),
    bits("return (not (" .. comparison .. ") or true) and (" .. comparison .. ")"),
    bits("local r = " .. comparison .. " r = r == true return r"),
    bits("local r = false if (" .. comparison .. " and b == b or b ~= b and " .. comparison .. ") then r = true end return r"),
  }
end
local function agreement(comparison)
  local forms = forms(comparison)
  return function(a, b)
    local results = {}
    for _, f in ipairs(forms) do
      local ok, result = pcall(f, a, b)
      results[ok and tostring(result) or "error"] = true
    end
    local first = next(results)
    return next(results, first) == nil and first or "different"
  end
end
local short = {["true"] = "1", ["false"] = "0", error = "e", different = "D"}
for _, op in ipairs {"==", "~=", "<", "<=", ">", ">="} do
  for _, constant in ipairs(constants) do
    local line, mirrored = {}, {}
    local on_the_left, on_the_right = agreement("a " .. op .. " " .. constant), agreement(constant .. " " .. op .. " a")
    for i, text in ipairs(values) do
      local value = load("return " .. text)()
      line[i] = short[on_the_left(value)]
      mirrored[i] = short[on_the_right(value)]
    end
    print(op, #constant > 20 and "long" or constant, table.concat(line), table.concat(mirrored))
--> expect: ==\tnil\t1000000000000000000000000000\t1000000000000000000000000000
--> expect: ==\tfalse\t0100000000000000000000000000\t0100000000000000000000000000
--> expect: ==\ttrue\t0010000000000000000000000000\t0010000000000000000000000000
--> expect: ==\t0\t0001000001000000000000000000\t0001000001000000000000000000
--> expect: ==\t3\t0000001100000000000000000000\t0000001100000000000000000000
--> expect: ==\t3.0\t0000001100000000000000000000\t0000001100000000000000000000
--> expect: ==\t-1\t0000010000000000000000000000\t0000010000000000000000000000
--> expect: ==\t3.5\t0000000010000000000000000000\t0000000010000000000000000000
--> expect: ==\t2.0^53\t0000000000000110000000000000\t0000000000000110000000000000
--> expect: ==\t9007199254740993\t0000000000000001000000000000\t0000000000000001000000000000
--> expect: ==\t0/0\t0000000000000000000000000000\t0000000000000000000000000000
--> expect: ==\t-1e300\t0000000000000000000000000000\t0000000000000000000000000000
--> expect: ==\t'x'\t0000000000000000000100000000\t0000000000000000000100000000
--> expect: ==\t'y'\t0000000000000000000010000000\t0000000000000000000010000000
--> expect: ==\t''\t0000000000000000000001000000\t0000000000000000000001000000
--> expect: ==\tlong\t0000000000000000000000100000\t0000000000000000000000100000
  end
  local both = agreement("a " .. op .. " b")
  for i, left in ipairs(values) do
    local a, line = load("return " .. left)(), {}
    for k, right in ipairs(values) do line[k] = short[both(a, load("return " .. right)())] end
    print(op, left, table.concat(line))
--> expect: ==\tnil\t1000000000000000000000000000
--> expect: ==\tfalse\t0100000000000000000000000000
--> expect: ==\ttrue\t0010000000000000000000000000
--> expect: ==\t0\t0001000001000000000000000000
--> expect: ==\t1\t0000100000000000000000000000
--> expect: ==\t-1\t0000010000000000000000000000
--> expect: ==\t3\t0000001100000000000000000000
--> expect: ==\t3.0\t0000001100000000000000000000
--> expect: ==\t3.5\t0000000010000000000000000000
--> expect: ==\t-0.0\t0001000001000000000000000000
--> expect: ==\t0/0\t0000000000000000000000000000
--> expect: ==\t1/0\t0000000000010000000000000000
--> expect: ==\t-1/0\t0000000000001000000000000000
--> expect: ==\t2^53\t0000000000000110000000000000
--> expect: ==\t1<<53\t0000000000000110000000000000
--> expect: ==\t(1<<53)+1\t0000000000000001000000000000
--> expect: ==\tmath.maxinteger\t0000000000000000100000000000
--> expect: ==\tmath.mininteger\t0000000000000000010000000000
--> expect: ==\t2^63\t0000000000000000001000000000
--> expect: ==\t'x'\t0000000000000000000100000000
--> expect: ==\t'y'\t0000000000000000000010000000
--> expect: ==\t''\t0000000000000000000001000000
--> expect: ==\t('x'):rep(50)\t0000000000000000000000100000
--> expect: ==\ttable1\t0000000000000000000000010011
--> expect: ==\ttable2\t0000000000000000000000001011
--> expect: ==\tprint\t0000000000000000000000000100
--> expect: ==\tloose1\t0000000000000000000000011011
--> expect: ==\tloose2\t0000000000000000000000011011
--> expect: ~=\tnil\t0111111111111111111111111111\t0111111111111111111111111111
--> expect: ~=\tfalse\t1011111111111111111111111111\t1011111111111111111111111111
--> expect: ~=\ttrue\t1101111111111111111111111111\t1101111111111111111111111111
--> expect: ~=\t0\t1110111110111111111111111111\t1110111110111111111111111111
--> expect: ~=\t3\t1111110011111111111111111111\t1111110011111111111111111111
--> expect: ~=\t3.0\t1111110011111111111111111111\t1111110011111111111111111111
--> expect: ~=\t-1\t1111101111111111111111111111\t1111101111111111111111111111
--> expect: ~=\t3.5\t1111111101111111111111111111\t1111111101111111111111111111
--> expect: ~=\t2.0^53\t1111111111111001111111111111\t1111111111111001111111111111
--> expect: ~=\t9007199254740993\t1111111111111110111111111111\t1111111111111110111111111111
--> expect: ~=\t0/0\t1111111111111111111111111111\t1111111111111111111111111111
--> expect: ~=\t-1e300\t1111111111111111111111111111\t1111111111111111111111111111
--> expect: ~=\t'x'\t1111111111111111111011111111\t1111111111111111111011111111
--> expect: ~=\t'y'\t1111111111111111111101111111\t1111111111111111111101111111
--> expect: ~=\t''\t1111111111111111111110111111\t1111111111111111111110111111
--> expect: ~=\tlong\t1111111111111111111111011111\t1111111111111111111111011111
--> expect: ~=\tnil\t0111111111111111111111111111
--> expect: ~=\tfalse\t1011111111111111111111111111
--> expect: ~=\ttrue\t1101111111111111111111111111
--> expect: ~=\t0\t1110111110111111111111111111
--> expect: ~=\t1\t1111011111111111111111111111
--> expect: ~=\t-1\t1111101111111111111111111111
--> expect: ~=\t3\t1111110011111111111111111111
--> expect: ~=\t3.0\t1111110011111111111111111111
--> expect: ~=\t3.5\t1111111101111111111111111111
--> expect: ~=\t-0.0\t1110111110111111111111111111
--> expect: ~=\t0/0\t1111111111111111111111111111
--> expect: ~=\t1/0\t1111111111101111111111111111
--> expect: ~=\t-1/0\t1111111111110111111111111111
--> expect: ~=\t2^53\t1111111111111001111111111111
--> expect: ~=\t1<<53\t1111111111111001111111111111
--> expect: ~=\t(1<<53)+1\t1111111111111110111111111111
--> expect: ~=\tmath.maxinteger\t1111111111111111011111111111
--> expect: ~=\tmath.mininteger\t1111111111111111101111111111
--> expect: ~=\t2^63\t1111111111111111110111111111
--> expect: ~=\t'x'\t1111111111111111111011111111
--> expect: ~=\t'y'\t1111111111111111111101111111
--> expect: ~=\t''\t1111111111111111111110111111
--> expect: ~=\t('x'):rep(50)\t1111111111111111111111011111
--> expect: ~=\ttable1\t1111111111111111111111101100
--> expect: ~=\ttable2\t1111111111111111111111110100
--> expect: ~=\tprint\t1111111111111111111111111011
--> expect: ~=\tloose1\t1111111111111111111111100100
--> expect: ~=\tloose2\t1111111111111111111111100100
--> expect: <\tnil\teeeeeeeeeeeeeeeeeeeeeeeeeeee\teeeeeeeeeeeeeeeeeeeeeeeeeeee
--> expect: <\tfalse\teeeeeeeeeeeeeeeeeeeeeeeeeeee\teeeeeeeeeeeeeeeeeeeeeeeeeeee
--> expect: <\ttrue\teeeeeeeeeeeeeeeeeeeeeeeeeeee\teeeeeeeeeeeeeeeeeeeeeeeeeeee
--> expect: <\t0\teee0010000001000010eeeeeeeee\teee0101110010111101eeeeeeeee
--> expect: <\t3\teee1110001001000010eeeeeeeee\teee0000010010111101eeeeeeeee
--> expect: <\t3.0\teee1110001001000010eeeeeeeee\teee0000010010111101eeeeeeeee
--> expect: <\t-1\teee0000000001000010eeeeeeeee\teee1101111010111101eeeeeeeee
--> expect: <\t3.5\teee1111101001000010eeeeeeeee\teee0000000010111101eeeeeeeee
--> expect: <\t2.0^53\teee1111111001000010eeeeeeeee\teee0000000010001101eeeeeeeee
--> expect: <\t9007199254740993\teee1111111001110010eeeeeeeee\teee0000000010000101eeeeeeeee
--> expect: <\t0/0\teee0000000000000000eeeeeeeee\teee0000000000000000eeeeeeeee
--> expect: <\t-1e300\teee0000000001000000eeeeeeeee\teee1111111010111111eeeeeeeee
--> expect: <\t'x'\teeeeeeeeeeeeeeeeeee0010eeeee\teeeeeeeeeeeeeeeeeee0101eeeee
--> expect: <\t'y'\teeeeeeeeeeeeeeeeeee1011eeeee\teeeeeeeeeeeeeeeeeee0000eeeee
--> expect: <\t''\teeeeeeeeeeeeeeeeeee0000eeeee\teeeeeeeeeeeeeeeeeee1101eeeee
--> expect: <\tlong\teeeeeeeeeeeeeeeeeee1010eeeee\teeeeeeeeeeeeeeeeeee0100eeeee
--> expect: <\tnil\teeeeeeeeeeeeeeeeeeeeeeeeeeee
--> expect: <\tfalse\teeeeeeeeeeeeeeeeeeeeeeeeeeee
--> expect: <\ttrue\teeeeeeeeeeeeeeeeeeeeeeeeeeee
--> expect: <\t0\teee0101110010111101eeeeeeeee
--> expect: <\t1\teee0001110010111101eeeeeeeee
--> expect: <\t-1\teee1101111010111101eeeeeeeee
--> expect: <\t3\teee0000010010111101eeeeeeeee
--> expect: <\t3.0\teee0000010010111101eeeeeeeee
--> expect: <\t3.5\teee0000000010111101eeeeeeeee
--> expect: <\t-0.0\teee0101110010111101eeeeeeeee
--> expect: <\t0/0\teee0000000000000000eeeeeeeee
--> expect: <\t1/0\teee0000000000000000eeeeeeeee
--> expect: <\t-1/0\teee1111111010111111eeeeeeeee
--> expect: <\t2^53\teee0000000010001101eeeeeeeee
--> expect: <\t1<<53\teee0000000010001101eeeeeeeee
--> expect: <\t(1<<53)+1\teee0000000010000101eeeeeeeee
--> expect: <\tmath.maxinteger\teee0000000010000001eeeeeeeee
--> expect: <\tmath.mininteger\teee1111111010111101eeeeeeeee
--> expect: <\t2^63\teee0000000010000000eeeeeeeee
--> expect: <\t'x'\teeeeeeeeeeeeeeeeeee0101eeeee
--> expect: <\t'y'\teeeeeeeeeeeeeeeeeee0000eeeee
--> expect: <\t''\teeeeeeeeeeeeeeeeeee1101eeeee
--> expect: <\t('x'):rep(50)\teeeeeeeeeeeeeeeeeee0100eeeee
--> expect: <\ttable1\teeeeeeeeeeeeeeeeeeeeeeeeeeee
--> expect: <\ttable2\teeeeeeeeeeeeeeeeeeeeeeeeeeee
--> expect: <\tprint\teeeeeeeeeeeeeeeeeeeeeeeeeeee
--> expect: <\tloose1\teeeeeeeeeeeeeeeeeeeeeeeeeeee
--> expect: <\tloose2\teeeeeeeeeeeeeeeeeeeeeeeeeeee
--> expect: <=\tnil\teeeeeeeeeeeeeeeeeeeeeeeeeeee\teeeeeeeeeeeeeeeeeeeeeeeeeeee
--> expect: <=\tfalse\teeeeeeeeeeeeeeeeeeeeeeeeeeee\teeeeeeeeeeeeeeeeeeeeeeeeeeee
--> expect: <=\ttrue\teeeeeeeeeeeeeeeeeeeeeeeeeeee\teeeeeeeeeeeeeeeeeeeeeeeeeeee
--> expect: <=\t0\teee1010001001000010eeeeeeeee\teee1101111010111101eeeeeeeee
--> expect: <=\t3\teee1111101001000010eeeeeeeee\teee0001110010111101eeeeeeeee
--> expect: <=\t3.0\teee1111101001000010eeeeeeeee\teee0001110010111101eeeeeeeee
--> expect: <=\t-1\teee0010000001000010eeeeeeeee\teee1111111010111101eeeeeeeee
--> expect: <=\t3.5\teee1111111001000010eeeeeeeee\teee0000010010111101eeeeeeeee
--> expect: <=\t2.0^53\teee1111111001110010eeeeeeeee\teee0000000010111101eeeeeeeee
--> expect: <=\t9007199254740993\teee1111111001111010eeeeeeeee\teee0000000010001101eeeeeeeee
--> expect: <=\t0/0\teee0000000000000000eeeeeeeee\teee0000000000000000eeeeeeeee
--> expect: <=\t-1e300\teee0000000001000000eeeeeeeee\teee1111111010111111eeeeeeeee
--> expect: <=\t'x'\teeeeeeeeeeeeeeeeeee1010eeeee\teeeeeeeeeeeeeeeeeee1101eeeee
--> expect: <=\t'y'\teeeeeeeeeeeeeeeeeee1111eeeee\teeeeeeeeeeeeeeeeeee0100eeeee
--> expect: <=\t''\teeeeeeeeeeeeeeeeeee0010eeeee\teeeeeeeeeeeeeeeeeee1111eeeee
--> expect: <=\tlong\teeeeeeeeeeeeeeeeeee1011eeeee\teeeeeeeeeeeeeeeeeee0101eeeee
--> expect: <=\tnil\teeeeeeeeeeeeeeeeeeeeeeeeeeee
--> expect: <=\tfalse\teeeeeeeeeeeeeeeeeeeeeeeeeeee
--> expect: <=\ttrue\teeeeeeeeeeeeeeeeeeeeeeeeeeee
--> expect: <=\t0\teee1101111010111101eeeeeeeee
--> expect: <=\t1\teee0101110010111101eeeeeeeee
--> expect: <=\t-1\teee1111111010111101eeeeeeeee
--> expect: <=\t3\teee0001110010111101eeeeeeeee
--> expect: <=\t3.0\teee0001110010111101eeeeeeeee
--> expect: <=\t3.5\teee0000010010111101eeeeeeeee
--> expect: <=\t-0.0\teee1101111010111101eeeeeeeee
--> expect: <=\t0/0\teee0000000000000000eeeeeeeee
--> expect: <=\t1/0\teee0000000010000000eeeeeeeee
--> expect: <=\t-1/0\teee1111111011111111eeeeeeeee
--> expect: <=\t2^53\teee0000000010111101eeeeeeeee
--> expect: <=\t1<<53\teee0000000010111101eeeeeeeee
--> expect: <=\t(1<<53)+1\teee0000000010001101eeeeeeeee
--> expect: <=\tmath.maxinteger\teee0000000010000101eeeeeeeee
--> expect: <=\tmath.mininteger\teee1111111010111111eeeeeeeee
--> expect: <=\t2^63\teee0000000010000001eeeeeeeee
--> expect: <=\t'x'\teeeeeeeeeeeeeeeeeee1101eeeee
--> expect: <=\t'y'\teeeeeeeeeeeeeeeeeee0100eeeee
--> expect: <=\t''\teeeeeeeeeeeeeeeeeee1111eeeee
--> expect: <=\t('x'):rep(50)\teeeeeeeeeeeeeeeeeee0101eeeee
--> expect: <=\ttable1\teeeeeeeeeeeeeeeeeeeeeeeeeeee
--> expect: <=\ttable2\teeeeeeeeeeeeeeeeeeeeeeeeeeee
--> expect: <=\tprint\teeeeeeeeeeeeeeeeeeeeeeeeeeee
--> expect: <=\tloose1\teeeeeeeeeeeeeeeeeeeeeeeeeeee
--> expect: <=\tloose2\teeeeeeeeeeeeeeeeeeeeeeeeeeee
--> expect: >\tnil\teeeeeeeeeeeeeeeeeeeeeeeeeeee\teeeeeeeeeeeeeeeeeeeeeeeeeeee
--> expect: >\tfalse\teeeeeeeeeeeeeeeeeeeeeeeeeeee\teeeeeeeeeeeeeeeeeeeeeeeeeeee
--> expect: >\ttrue\teeeeeeeeeeeeeeeeeeeeeeeeeeee\teeeeeeeeeeeeeeeeeeeeeeeeeeee
--> expect: >\t0\teee0101110010111101eeeeeeeee\teee0010000001000010eeeeeeeee
--> expect: >\t3\teee0000010010111101eeeeeeeee\teee1110001001000010eeeeeeeee
--> expect: >\t3.0\teee0000010010111101eeeeeeeee\teee1110001001000010eeeeeeeee
--> expect: >\t-1\teee1101111010111101eeeeeeeee\teee0000000001000010eeeeeeeee
--> expect: >\t3.5\teee0000000010111101eeeeeeeee\teee1111101001000010eeeeeeeee
--> expect: >\t2.0^53\teee0000000010001101eeeeeeeee\teee1111111001000010eeeeeeeee
--> expect: >\t9007199254740993\teee0000000010000101eeeeeeeee\teee1111111001110010eeeeeeeee
--> expect: >\t0/0\teee0000000000000000eeeeeeeee\teee0000000000000000eeeeeeeee
--> expect: >\t-1e300\teee1111111010111111eeeeeeeee\teee0000000001000000eeeeeeeee
--> expect: >\t'x'\teeeeeeeeeeeeeeeeeee0101eeeee\teeeeeeeeeeeeeeeeeee0010eeeee
--> expect: >\t'y'\teeeeeeeeeeeeeeeeeee0000eeeee\teeeeeeeeeeeeeeeeeee1011eeeee
--> expect: >\t''\teeeeeeeeeeeeeeeeeee1101eeeee\teeeeeeeeeeeeeeeeeee0000eeeee
--> expect: >\tlong\teeeeeeeeeeeeeeeeeee0100eeeee\teeeeeeeeeeeeeeeeeee1010eeeee
--> expect: >\tnil\teeeeeeeeeeeeeeeeeeeeeeeeeeee
--> expect: >\tfalse\teeeeeeeeeeeeeeeeeeeeeeeeeeee
--> expect: >\ttrue\teeeeeeeeeeeeeeeeeeeeeeeeeeee
--> expect: >\t0\teee0010000001000010eeeeeeeee
--> expect: >\t1\teee1010001001000010eeeeeeeee
--> expect: >\t-1\teee0000000001000010eeeeeeeee
--> expect: >\t3\teee1110001001000010eeeeeeeee
--> expect: >\t3.0\teee1110001001000010eeeeeeeee
--> expect: >\t3.5\teee1111101001000010eeeeeeeee
--> expect: >\t-0.0\teee0010000001000010eeeeeeeee
--> expect: >\t0/0\teee0000000000000000eeeeeeeee
--> expect: >\t1/0\teee1111111001111111eeeeeeeee
--> expect: >\t-1/0\teee0000000000000000eeeeeeeee
--> expect: >\t2^53\teee1111111001000010eeeeeeeee
--> expect: >\t1<<53\teee1111111001000010eeeeeeeee
--> expect: >\t(1<<53)+1\teee1111111001110010eeeeeeeee
--> expect: >\tmath.maxinteger\teee1111111001111010eeeeeeeee
--> expect: >\tmath.mininteger\teee0000000001000000eeeeeeeee
--> expect: >\t2^63\teee1111111001111110eeeeeeeee
--> expect: >\t'x'\teeeeeeeeeeeeeeeeeee0010eeeee
--> expect: >\t'y'\teeeeeeeeeeeeeeeeeee1011eeeee
--> expect: >\t''\teeeeeeeeeeeeeeeeeee0000eeeee
--> expect: >\t('x'):rep(50)\teeeeeeeeeeeeeeeeeee1010eeeee
--> expect: >\ttable1\teeeeeeeeeeeeeeeeeeeeeeeeeeee
--> expect: >\ttable2\teeeeeeeeeeeeeeeeeeeeeeeeeeee
--> expect: >\tprint\teeeeeeeeeeeeeeeeeeeeeeeeeeee
--> expect: >\tloose1\teeeeeeeeeeeeeeeeeeeeeeeeeeee
--> expect: >\tloose2\teeeeeeeeeeeeeeeeeeeeeeeeeeee
--> expect: >=\tnil\teeeeeeeeeeeeeeeeeeeeeeeeeeee\teeeeeeeeeeeeeeeeeeeeeeeeeeee
--> expect: >=\tfalse\teeeeeeeeeeeeeeeeeeeeeeeeeeee\teeeeeeeeeeeeeeeeeeeeeeeeeeee
--> expect: >=\ttrue\teeeeeeeeeeeeeeeeeeeeeeeeeeee\teeeeeeeeeeeeeeeeeeeeeeeeeeee
--> expect: >=\t0\teee1101111010111101eeeeeeeee\teee1010001001000010eeeeeeeee
--> expect: >=\t3\teee0001110010111101eeeeeeeee\teee1111101001000010eeeeeeeee
--> expect: >=\t3.0\teee0001110010111101eeeeeeeee\teee1111101001000010eeeeeeeee
--> expect: >=\t-1\teee1111111010111101eeeeeeeee\teee0010000001000010eeeeeeeee
--> expect: >=\t3.5\teee0000010010111101eeeeeeeee\teee1111111001000010eeeeeeeee
--> expect: >=\t2.0^53\teee0000000010111101eeeeeeeee\teee1111111001110010eeeeeeeee
--> expect: >=\t9007199254740993\teee0000000010001101eeeeeeeee\teee1111111001111010eeeeeeeee
--> expect: >=\t0/0\teee0000000000000000eeeeeeeee\teee0000000000000000eeeeeeeee
--> expect: >=\t-1e300\teee1111111010111111eeeeeeeee\teee0000000001000000eeeeeeeee
--> expect: >=\t'x'\teeeeeeeeeeeeeeeeeee1101eeeee\teeeeeeeeeeeeeeeeeee1010eeeee
--> expect: >=\t'y'\teeeeeeeeeeeeeeeeeee0100eeeee\teeeeeeeeeeeeeeeeeee1111eeeee
--> expect: >=\t''\teeeeeeeeeeeeeeeeeee1111eeeee\teeeeeeeeeeeeeeeeeee0010eeeee
--> expect: >=\tlong\teeeeeeeeeeeeeeeeeee0101eeeee\teeeeeeeeeeeeeeeeeee1011eeeee
--> expect: >=\tnil\teeeeeeeeeeeeeeeeeeeeeeeeeeee
--> expect: >=\tfalse\teeeeeeeeeeeeeeeeeeeeeeeeeeee
--> expect: >=\ttrue\teeeeeeeeeeeeeeeeeeeeeeeeeeee
--> expect: >=\t0\teee1010001001000010eeeeeeeee
--> expect: >=\t1\teee1110001001000010eeeeeeeee
--> expect: >=\t-1\teee0010000001000010eeeeeeeee
--> expect: >=\t3\teee1111101001000010eeeeeeeee
--> expect: >=\t3.0\teee1111101001000010eeeeeeeee
--> expect: >=\t3.5\teee1111111001000010eeeeeeeee
--> expect: >=\t-0.0\teee1010001001000010eeeeeeeee
--> expect: >=\t0/0\teee0000000000000000eeeeeeeee
--> expect: >=\t1/0\teee1111111011111111eeeeeeeee
--> expect: >=\t-1/0\teee0000000001000000eeeeeeeee
--> expect: >=\t2^53\teee1111111001110010eeeeeeeee
--> expect: >=\t1<<53\teee1111111001110010eeeeeeeee
--> expect: >=\t(1<<53)+1\teee1111111001111010eeeeeeeee
--> expect: >=\tmath.maxinteger\teee1111111001111110eeeeeeeee
--> expect: >=\tmath.mininteger\teee0000000001000010eeeeeeeee
--> expect: >=\t2^63\teee1111111001111111eeeeeeeee
--> expect: >=\t'x'\teeeeeeeeeeeeeeeeeee1010eeeee
--> expect: >=\t'y'\teeeeeeeeeeeeeeeeeee1111eeeee
--> expect: >=\t''\teeeeeeeeeeeeeeeeeee0010eeeee
--> expect: >=\t('x'):rep(50)\teeeeeeeeeeeeeeeeeee1011eeeee
--> expect: >=\ttable1\teeeeeeeeeeeeeeeeeeeeeeeeeeee
--> expect: >=\ttable2\teeeeeeeeeeeeeeeeeeeeeeeeeeee
--> expect: >=\tprint\teeeeeeeeeeeeeeeeeeeeeeeeeeee
--> expect: >=\tloose1\teeeeeeeeeeeeeeeeeeeeeeeeeeee
--> expect: >=\tloose2\teeeeeeeeeeeeeeeeeeeeeeeeeeee
  end
end

-- Truth, kept or not.
local function truths(...)
  local out = {}
  for i = 1, select("#", ...) do
    local v = select(i, ...)
    local a, b, c = v and "t", v or "f", not v
    if v then a = tostring(a) .. "+" else a = tostring(a) .. "-" end
    while not v do b = b .. "!" break end
    out[i] = a .. tostring(b) .. tostring(c) .. tostring(v and v) .. tostring((v or nil) and 1 or 2)
  end
  return table.concat(out, " ")
end
print(truths(nil, false, true, 0, "", 0.0)) --> expect: nil-f!truenil2 false-f!truefalse2 t+truefalsetrue1 t+0false01 t+false1 t+0.0false0.01
