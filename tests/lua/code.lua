-- What the compiler makes of functions, instruction by instruction, by means of the test library `T`. It stands for
-- `code.lua` of the official suite, whose listings are those of another machine; without `T` it has nothing to do.

if T == nil then
  (Message or print)('OK')  --> expect: OK
  return
end

-- The names of a function's instructions.
local function names(f)
  local list = {}
  for i, text in ipairs(T.listcode(f)) do list[i] = string.match(text, '%- (%S+)') end
  return table.concat(list, ' ')
end

local function check(f, expected)
  local found = names(f)
  if found ~= expected then error('expected ' .. expected .. '\n   found ' .. found, 2) end
end

-- Two functions have the same code, lines aside.
local function check_equal(f, g)
  local a, b = T.listcode(f), T.listcode(g)
  assert(#a == #b)
  for i = 1, #a do
    local one, other = string.gsub(a[i], '%b()', ''), string.gsub(b[i], '%b()', '')
    if one ~= other then error(one .. ' differs from ' .. other, 2) end
  end
end

local function check_constants(f, list)
  local k = T.listk(f)
  assert(#k == #list)
  for i = 1, #k do assert(k[i] == list[i] and math.type(k[i]) == math.type(list[i])) end
end


-- The names of loops that have fewer values than names.
do
  local function f(a)
    for k, v, w in a do end
  end
end


-- Constants are kept once, integers and floats apart; small numbers are in the instructions.
check_constants(function ()
  local a
  a = 3
  a = 0; a = 0.0; a = -7 + 7
  a = 3.78/4; a = 3.78/4
  a = -3.78/4; a = 3.78/4; a = -3.78/4
  a = -3.79/4; a = 0.0; a = -0
  a = 3; a = 3.0; a = 3; a = 3.0
end, {3.78/4, -3.78/4, -3.79/4})

check_constants(function ()
  local a = 5000000000; a = 5000000000.0; a = 'x'; a = 5000000000; a = 5000000000.0; a = 'x'
end, {5000000000, 5000000000.0, 'x'})


-- Basic instructions.
check(function ()
  (function () end){f()}
end, 'CLOSURE NEWTABLE GETTABUP CALL SETLIST CALL RETURN0')


-- Runs of nils become one instruction.
check(function ()
  local a, b, c
  local d; local e
  local f, g, h
  d = nil; d = nil; b = nil; a = nil; c = nil
end, 'LOADNIL RETURN0')

check(function ()
  local a, b, c, d = 1, 1, 1, 1
  d = nil; c = nil; b = nil; a = nil
end, 'LOADI LOADI LOADI LOADI LOADNIL RETURN0')

do
  local a, b, c, d = 1, 1, 1, 1
  d = nil; c = nil; b = nil; a = nil
  assert(a == nil and b == nil and c == nil and d == nil)
end


-- Returns by number of values, and in functions that take extra arguments or hold variables of others.
check(function (a, b, c) return a end, 'RETURN1 RETURN0')
check(function (a, b, c) return a, b end, 'MOVE MOVE RETURN RETURN0')
check(function (...) return 1 end, 'LOADI RETURN RETURN')
check(function (a) return function () return a end end, 'CLOSURE RETURN RETURN')
check(function (f) return f() end, 'MOVE TAILCALL RETURN RETURN0')


-- Loops without end.
check(function () while true do local a = -1 end end, 'LOADI JMP RETURN0')
check(function () while 1 do local a = -1 end end, 'LOADI JMP RETURN0')
check(function () repeat local x = 1 until true end, 'LOADI RETURN0')


-- A chain of concatenations is one instruction.
check(function (a, b, c, d) return a..b..c..d end, 'MOVE MOVE MOVE MOVE CONCAT RETURN1 RETURN0')


-- not
check(function () return not not nil end, 'LOADFALSE RETURN1 RETURN0')
check(function () return not not false end, 'LOADFALSE RETURN1 RETURN0')
check(function () return not not true end, 'LOADTRUE RETURN1 RETURN0')
check(function () return not not 1 end, 'LOADTRUE RETURN1 RETURN0')


-- Local variables are operands.
check(function ()
  local a, b, c, d
  a = b*2
  c[2], a[b] = -((a + d/2 - a[b]) ^ a.x), b
end, 'LOADNIL MULI DIVK ADD GETTABLE SUB GETFIELD POW UNM SETTABLE SETI RETURN0')


-- Constants are operands.
check(function ()
  local a, b
  a.x = 3.2
  a.x = b
  a[b] = 'x'
end, 'LOADNIL SETFIELDK SETFIELD SETTABLEK RETURN0')

check(function ()
  local a, b
  a = 1 - a
  b = 1/a
  b = 5-4
end, 'LOADNIL KSUB KDIV LOADI RETURN0')

-- A key that is a boolean takes a register.
check(function ()
  local a, b
  a[true] = false
end, 'LOADNIL LOADTRUE SETTABLEK RETURN0')

check(function (a) a[1] = 'x'; a[1] = a; a.x = a[1]; a.x = a.y end, 'SETIK SETI GETI SETFIELD GETFIELD SETFIELD RETURN0')
check(function () x = 1; y = x; x = y.z end, 'SETTABUPK GETTABUP SETTABUP GETTABUP GETFIELD SETTABUP RETURN0')
check(function (a) return a:m() end, 'SELFFIELD TAILCALL RETURN RETURN0')
check(function (a) a = a + 1; a = a - 1; a = 1 + a end, 'ADDI ADDI ADDI RETURN0')
check(function (a) a = a & 1; a = 1 | a; a = a ~ 1; a = a << 1; a = a >> 1 end, 'BANDI BORK BXORK SHLI SHRI RETURN0')
check(function (a) a = a % 3; a = a // 3; a = a ^ 3 end, 'MODI IDIVI POWK RETURN0')


-- Constant expressions are computed. What does not fit an instruction is a constant.
local function check_value(f, instruction, value)
  check(f, instruction .. ' RETURN1 RETURN0')
  local k = T.listk(f)
  if instruction == 'LOADK' then
    assert(#k == 1 and k[1] == value and math.type(k[1]) == math.type(value))
  else
    assert(#k == 0)
  end
  assert(f() == value and math.type(f()) == math.type(value))
end
check_value(function () return 0.0 end, 'LOADF', 0.0)
check_value(function () return 0 end, 'LOADI', 0)
check_value(function () return -0//1 end, 'LOADI', 0)
check_value(function () return 3^-1 end, 'LOADK', 1/3)
check_value(function () return (1 + 1)^(50 + 50) end, 'LOADK', 2^100)
check_value(function () return (-2)^(31 - 2) end, 'LOADF', -0x20000000 + 0.0)
check_value(function () return (-3^0 + 5) // 3.0 end, 'LOADF', 1.0)
check_value(function () return -3 % 5 end, 'LOADI', 2)
check_value(function () return -((2.0^8 + -(-1)) % 8)/2 * 4 - 3 end, 'LOADF', -5.0)
check_value(function () return -((2^8 + -(-1)) % 8)//2 * 4 - 3 end, 'LOADF', -7.0)
check_value(function () return 0xF0.0 | 0xCC.0 ~ 0xAA & 0xFD end, 'LOADI', 0xF4)
check_value(function () return ~(~0xFF0 | 0xFF0) end, 'LOADI', 0)
check_value(function () return ~~-100024.0 end, 'LOADI', -100024)
check_value(function () return ((100 << 6) << -4) >> 2 end, 'LOADI', 100)
check_value(function () return 1 << 40 end, 'LOADK', 1 << 40)


-- What must not be computed: a negative zero, divisions by zero, and what raises an error.
check(function () return -0.0 end, 'LOADF UNM RETURN1 RETURN0')
check(function () return 3/0 end, 'LOADI DIVK RETURN1 RETURN0')
check(function () return 0%0 end, 'LOADI MODK RETURN1 RETURN0')
check(function () return -4//0 end, 'LOADI IDIVK RETURN1 RETURN0')
check(function () return -nil end, 'LOADNIL UNM RETURN1 RETURN0')


-- Multiple assignments.
check(function ()
  local a, b, c
  b[c], a = c, b
  b[a], a = c, b
  a, b = c, a
  a = a
end, 'LOADNIL MOVE MOVE SETTABLE MOVE MOVE MOVE SETTABLE MOVE MOVE MOVE RETURN0')


-- Comparisons with nil and with constants, which are operands.
check(function () if a == nil then a = 1 end; if a ~= true then a = 1 end end,
      'GETTABUP NOTEQP JMP SETTABUPK GETTABUP EQP JMP SETTABUPK RETURN0')
check(function () if a == 'b' then a = 1 end; if a ~= 'b' then a = 1 end end,
      'GETTABUP NOTEQS JMP SETTABUPK GETTABUP EQS JMP SETTABUPK RETURN0')
check(function () if a == 2.5 then a = 1 end; if a ~= 2.5 then a = 1 end end,
      'GETTABUP NOTEQK JMP SETTABUPK GETTABUP EQK JMP SETTABUPK RETURN0')
check(function () if a == 9 then a = 1 end; if a ~= 9 then a = 1 end end,
      'GETTABUP NOTEQI JMP SETTABUPK GETTABUP EQI JMP SETTABUPK RETURN0')
check(function () if a == nil then a = 'a' end end, 'GETTABUP NOTEQP JMP SETTABUPK RETURN0')
check(function (a) if a < 9 and a <= 9 and a > 9 and a >= 9 then a = 1 end end,
      'NOTLTI JMP NOTLEI JMP NOTGTI JMP NOTGEI JMP LOADI RETURN0')
check(function (a, b) if a < b and a <= b then a = 1 end end, 'NOTLT JMP NOTLE JMP LOADI RETURN0')


-- De Morgan.
check_equal(function () local a; if not (a or b) then b = a end end,
            function () local a; if not a and not b then b = a end end)
check_equal(function (l) local a; return 0 <= a and a <= l end,
            function (l) local a; return not (not (a >= 0) or not (a <= l)) end)


-- A jump to a label takes the place of the one around it.
check(function (a, b, c, d, e)
  if a == b then goto l1
  elseif a == c then goto l2
  elseif a == d then goto l2
  else
    if a == e then goto l3
    else goto l3
    end
  end
  ::l1:: ::l2:: ::l3:: ::l4::
end, 'EQ JMP EQ JMP EQ JMP EQ JMP JMP RETURN0')

-- A short condition of `while` stands behind the body again; other ways to write the loop have a jump there.
check(function (a) while a < 10 do a = a + 1 end end, 'NOTLTI JMP ADDI LTI JMP RETURN0')
check_equal(function (a) while true do if not (a < 10) then break end; a = a + 1; end end,
            function (a) ::L2:: if not (a < 10) then goto L1 end; a = a + 1; goto L2; ::L1:: end)


-- Loops.
check(function () for i = 1, 10 do local a = i end end, 'LOADI LOADI LOADI FORPREP MOVE FORLOOP RETURN0')
check(function (f) for i in f do local a = i end end, 'MOVE LOADNIL JMP MOVE TFORCALL TFORLOOP RETURN0')


-- Registers, parameters, and the variables that are alive at an instruction.
do
  local function f(a, b)
    local c = a
    do local d = b; a = d end
    return c
  end
  local code = T.listcode(f)
  assert(code.numparams == 2 and code.maxstack == 4 and #code == 5)
  -- `string.dump` may have stripped the function.
  local line = string.match(code[1], '%(%s*(-?%d+)%)')
  if line ~= '-1' then
    assert(table.concat({T.listlocals(f, 1)}, ' ') == 'a b')
    assert(table.concat({T.listlocals(f, 2)}, ' ') == 'a b c')
    assert(table.concat({T.listlocals(f, 3)}, ' ') == 'a b c d')
    assert(table.concat({T.listlocals(f, 4)}, ' ') == 'a b c')
  end
end

print 'OK'
