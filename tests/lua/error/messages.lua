-- Runtime errors name the variable that was at fault.
local function try(source, ...)
  local f = assert(load(source, "=x"))
  print((select(2, pcall(f, ...))))
end
try "local a; a.b = 1" --> expect: x:1: attempt to index a nil value (local 'a')
try "local a; return a.b" --> expect: x:1: attempt to index a nil value (local 'a')
try "local a = {}; return a.b.c" --> expect: x:1: attempt to index a nil value (field 'b')
try "return a.b" --> expect: x:1: attempt to index a nil value (global 'a')
try "return a.b.c" --> expect: x:1: attempt to index a nil value (global 'a')
try "a.b.c = 1" --> expect: x:1: attempt to index a nil value (global 'a')
try "local t = {}; t.x.y = 1" --> expect: x:1: attempt to index a nil value (field 'x')
try "local t = {}; t:nope()" --> expect: x:1: attempt to call a nil value (method 'nope')
try "nope()" --> expect: x:1: attempt to call a nil value (global 'nope')
try "local nope; nope()" --> expect: x:1: attempt to call a nil value (local 'nope')
try "string.nope()" --> expect: x:1: attempt to call a nil value (field 'nope')
try "('x'):nope()" --> expect: x:1: attempt to call a nil value (method 'nope')
try "local up; return (function() return up.x end)()" --> expect: x:1: attempt to index a nil value (upvalue 'up')
try "local up; return (function() up() end)()" --> expect: x:1: attempt to call a nil value (upvalue 'up')
try "return 1 + nil" --> expect: x:1: attempt to perform arithmetic on a nil value
try "local a = {} return a + 1" --> expect: x:1: attempt to perform arithmetic on a table value (local 'a')
try "return a + 1" --> expect: x:1: attempt to perform arithmetic on a nil value (global 'a')
try "return {} .. 'x'" --> expect: x:1: attempt to concatenate a table value
try "local t = {} return t.x .. 'x'" --> expect: x:1: attempt to concatenate a nil value (field 'x')
try "return -{}" --> expect: x:1: attempt to perform arithmetic on a table value
try "return #5" --> expect: x:1: attempt to get length of a number value
try "local a return #a" --> expect: x:1: attempt to get length of a nil value (local 'a')
try "return 1 < 'x'" --> expect: x:1: attempt to compare number with string
try "return {} < {}" --> expect: x:1: attempt to compare two table values
try "return nil < 1" --> expect: x:1: attempt to compare nil with number
try "return 2^53 & 1.5" --> expect: x:1: number has no integer representation
try "return 'a' & 1" --> expect: x:1: attempt to perform bitwise operation on a string value
try "return 1 // 0" --> expect: x:1: attempt to divide by zero
try "return math.floor({})" --> expect: x:1: bad argument #1 to 'floor' (number expected, got table)
try "return ('x'):rep({})" --> expect: x:1: bad argument #1 to 'rep' (number expected, got table)
try "return string.rep()" --> expect: x:1: bad argument #1 to 'rep' (string expected, got no value)
try "return setmetatable(1)" --> expect: x:1: bad argument #1 to 'setmetatable' (table expected, got number)
try "return io.open()" --> expect: x:1: bad argument #1 to 'open' (string expected, got no value)
try "return ('x'):bad()" --> expect: x:1: attempt to call a nil value (method 'bad')
try "for i = 1, 'x' do end" --> expect: x:1: 'for' limit must be a number
try "for i = {}, 2 do end" --> expect: x:1: 'for' initial value must be a number
try "for i = 1, 2, {} do end" --> expect: x:1: 'for' step must be a number
try "local t = setmetatable({}, {__index = function(t, k) return k.x.y end}) return t.z" --> expect: x:1: attempt to index a nil value (field 'x')
try "return (1)()" --> expect: x:1: attempt to call a number value
try "return ({})()" --> expect: x:1: attempt to call a table value
try "return ({}).x.y" --> expect: x:1: attempt to index a nil value (field 'x')
try "local a = 'str' return a.x.y" --> expect: x:1: attempt to index a nil value (field 'x')
try "local t = {} t[nil] = 1" --> expect: x:1: table index is nil
try "local t = {} t[0/0] = 1" --> expect: x:1: table index is NaN
try "error()" --> expect: nil
try "error('message')" --> expect: x:1: message
try "error('message', 0)" --> expect: message
try "error('message', 2)" --> expect: message
try "return table.concat({{}})" --> expect: x:1: invalid value (table) at index 1 in table for 'concat'
try "return ipairs()" --> expect: x:1: bad argument #1 to 'ipairs' (value expected)
try "return tostring()" --> expect: x:1: bad argument #1 to 'tostring' (value expected)
try "return next({}, 1)" --> expect: invalid key to 'next'
try "return coroutine.resume(1)" --> expect: x:1: bad argument #1 to 'resume' (thread expected)
try "return string.char(300)" --> expect: x:1: bad argument #1 to 'char' (value out of range)
try "x = 1 + x.y.z" --> expect: x:1: attempt to index a nil value (global 'x')
try "local a = {b = {}} return a.b.c.d" --> expect: x:1: attempt to index a nil value (field 'c')
try "return _ENV.nothing.x" --> expect: x:1: attempt to index a nil value (global 'nothing')
try "local t = {} return t[1][2]" --> expect: x:1: attempt to index a nil value (field '?')
try "local t, k = {}, 'key' return t[k].x" --> expect: x:1: attempt to index a nil value (field '?')
-- The reference names nothing here, as no register holds the key (see COMPATIBILITY.md).
try "for a in nil, {['a key of more than forty characters, so that it is a long string'] = h} do end" --> expect: x:1: attempt to call a nil value (global 'h')
