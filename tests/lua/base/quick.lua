-- Functions that answer without a frame, in all kinds of calls, and where they have to be called after all.
local abs, floor, ceil, max, min, fmod = math.abs, math.floor, math.ceil, math.max, math.min, math.fmod
local select, type, assert, rawget, tonumber = select, type, assert, rawget, tonumber
local function count(...) return select("#", ...), ... end
-- As many results as are wanted: none, one, several, all.
abs(1)
local a, b, c = abs(-2)
print(a, b, c) --> expect: 2\tnil\tnil
print(count(abs(-3))) --> expect: 1\t3
print((abs(-4)), abs(-5)) --> expect: 4\t5
local t = { abs(-6), abs(-7), select(2, 1, 2, 3) }
print(#t, t[1], t[4]) --> expect: 4\t6\t3
local function tail(f, ...) return f(...) end
print(count(tail(abs, -8))) --> expect: 1\t8
print(count(tail(select, 2, "a", "b", "c"))) --> expect: 2\tb\tc
print(count(tail(select, "#", 1, nil))) --> expect: 1\t2
local d, e, f = select(2, "x", "y")
print(d, e, f) --> expect: y\tnil\tnil
select(1, 2)
print(count(select(3, 1, 2))) --> expect: 0
print(count(select(-1, 1, 2))) --> expect: 1\t2
print(count(select(9))) --> expect: 0
print(pcall(select, 0), select("#", select("#"))) --> expect: false\t1
print(pcall(function() return (select(-3, 1, 2)) end)) --> expect: false\tquick.lua:24: bad argument #1 to 'select' (index out of range)
print(count(assert(1, 2, nil))) --> expect: 3\t1\t2\tnil
print(count(tail(assert, false == false))) --> expect: 1\ttrue
local g, h = assert("v")
print(g, h) --> expect: v\tnil
assert(true)
print(pcall(function() assert(nil, "m") end), pcall(function() assert(false) end), pcall(function() assert() end)) --> expect: false\tfalse\tfalse\tquick.lua:30: bad argument #1 to 'assert' (value expected)
-- Integers, floats and what is neither.
print(abs(math.mininteger), abs(-0.0), abs("-3"), abs("0x10"), pcall(abs), pcall(abs, {})) --> expect: -9223372036854775808\t0.0\t3.0\t16.0\tfalse\tfalse\tbad argument #1 to 'math.abs' (number expected, got table)
for _, v in ipairs { 3, 3.7, -3.7, 2^53, 2^62, 2^63, -2^63, -2^63 - 4096, 1e308, -1e308, 1/0, -0.0, 0.5, -0.5, "2.5" } do
  print(v, floor(v), ceil(v), math.type(floor(v)), math.tointeger(v))
--> expect: 3\t3\t3\tinteger\t3
--> expect: 3.7\t3\t4\tinteger\tnil
--> expect: -3.7\t-4\t-3\tinteger\tnil
--> expect: 9.007199254741e+15\t9007199254740992\t9007199254740992\tinteger\t9007199254740992
--> expect: 4.6116860184274e+18\t4611686018427387904\t4611686018427387904\tinteger\t4611686018427387904
--> expect: 9.2233720368548e+18\t9.2233720368548e+18\t9.2233720368548e+18\tfloat\tnil
--> expect: -9.2233720368548e+18\t-9223372036854775808\t-9223372036854775808\tinteger\t-9223372036854775808
--> expect: -9.2233720368548e+18\t-9.2233720368548e+18\t-9.2233720368548e+18\tfloat\tnil
--> expect: 1e+308\t1e+308\t1e+308\tfloat\tnil
--> expect: -1e+308\t-1e+308\t-1e+308\tfloat\tnil
--> expect: inf\tinf\tinf\tfloat\tnil
--> expect: -0.0\t0\t0\tinteger\t0
--> expect: 0.5\t0\t1\tinteger\tnil
--> expect: -0.5\t-1\t0\tinteger\tnil
--> expect: 2.5\t2\t3\tinteger\tnil
end
print(floor(0/0) ~= floor(0/0), pcall(floor, "x"), pcall(ceil)) --> expect: true\tfalse\tfalse\tbad argument #1 to 'math.ceil' (number expected, got no value)
print(max(1, 2, 3), max(1.5, 2), max(2, 1.5), max(-0.0, 0.0), max(5), pcall(max)) --> expect: 3\t2\t2\t-0.0\t5\tfalse\tbad argument #1 to 'math.max' (value expected)
print(min(3, 2, 1), min(1.5, 2), min(2, 1.5), min(2^53, 2^53 + 1), min(-1.5, -2.5), pcall(min, 1, "x")) --> expect: 1\t1.5\t1.5\t9.007199254741e+15\t-2.5\tfalse\tattempt to compare string with number
print(max(0/0, 1) ~= max(0/0, 1), max(1.0, 0/0), pcall(max, {}, {})) --> expect: true\t1.0\tfalse\tattempt to compare two table values
print(fmod(7, 3), fmod(-7, 3), fmod(math.mininteger, -1), fmod(7.5, 2), fmod(-6, 4.5), fmod("7", 3), pcall(fmod, 1, 0)) --> expect: 1\t-1\t0\t1.5\t-1.5\t1.0\tfalse\tbad argument #2 to 'math.fmod' (zero)
print(math.sqrt(16), math.sqrt("4"), math.exp(0), math.log(1), math.log(8, 2), math.log(100, 10), pcall(math.sin, nil)) --> expect: 4.0\t2.0\t1.0\t0.0\t3.0\t2.0\tfalse\tbad argument #1 to 'math.sin' (number expected, got nil)
print(math.tointeger(3.0), math.tointeger(3.5), math.tointeger("8"), math.tointeger({}), pcall(math.tointeger)) --> expect: 3\tnil\t8\tnil\tfalse\tbad argument #1 to 'math.tointeger' (value expected)
print(math.ult(1, -1), math.ult(2^53, 1), pcall(math.ult, 1.5, 2)) --> expect: true\tfalse\tfalse\tbad argument #1 to 'math.ult' (number has no integer representation)
print(tonumber(5), tonumber(5.5), tonumber("0x1p4"), tonumber("z", 36), tonumber(nil), pcall(tonumber), pcall(tonumber, 5, 10)) --> expect: 5\t5.5\t16.0\t35\tnil\tfalse\tfalse\tbad argument #1 to 'tonumber' (string expected, got number)
-- Types, tables and metatables.
print(type(nil), type(true), type(1), type("s"), type({}), type(print), type(type), type(coroutine.create(print)), type(io.stdout)) --> expect: nil\tboolean\tnumber\tstring\ttable\tfunction\tfunction\tthread\tuserdata
print(pcall(type)) --> expect: false\tbad argument #1 to 'type' (value expected)
print(rawget({ 7 }, 1), rawget({}, 1), pcall(rawget, 1, 2), pcall(rawget, {}), pcall(rawget)) --> expect: 7\tnil\tfalse\tfalse\tfalse\tbad argument #1 to 'rawget' (table expected, got no value)
print(rawget(setmetatable({}, { __index = { x = 1 } }), "x"), rawequal("a", "a"), rawequal(1, 1.0), rawequal({}, {})) --> expect: nil\ttrue\ttrue\tfalse
print(rawequal(nil, nil), pcall(rawequal, nil), rawlen({ 1, 2 }), rawlen("abc"), pcall(rawlen, 5)) --> expect: true\tfalse\t2\t3\tfalse\tbad argument #1 to 'rawlen' (table or string expected)
local mt = { __index = function(_, k) return k .. "!" end, __name = "My" }
local o = setmetatable({}, mt)
print(o.field, getmetatable(o) == mt, setmetatable(o, nil) == o, getmetatable(o), o.field) --> expect: field!\ttrue\ttrue\tnil\tnil
print(getmetatable("").__index == string, getmetatable(1), pcall(getmetatable)) --> expect: true\tnil\tfalse\tbad argument #1 to 'getmetatable' (value expected)
local locked = setmetatable({}, { __metatable = "locked" })
print(getmetatable(locked), pcall(setmetatable, locked, {}), pcall(setmetatable, {}), pcall(setmetatable, 1, {})) --> expect: locked\tfalse\tfalse\tfalse\tbad argument #1 to 'setmetatable' (table expected, got number)
print(getmetatable(setmetatable({}, { __metatable = false }))) --> expect: false
local dead = 0
for i = 1, 50 do setmetatable({}, { __gc = function() dead = dead + 1 end }) end
collectgarbage() collectgarbage()
print(dead) --> expect: 50
-- Metatables of old tables may be young.
local old = {}
collectgarbage()
setmetatable(old, { __index = { v = "kept" } })
collectgarbage()
print(old.v) --> expect: kept
-- Strings.
local s = "hello"
print(s:byte(), s:byte(2), s:byte(-1), s:byte(0), s:byte(9), s:byte(1, 2), count(s:byte(10))) --> expect: 104\t101\t111\tnil\tnil\t104\t0
print(s:len(), ("\0\0"):len(), #s:sub(2, 3), s:sub(1), s:sub(-3), s:sub(2, -2), s:sub(4, 2), s:sub(0), s:sub(-99, 99)) --> expect: 5\t2\t2\thello\tllo\tell\t\thello\thello
print(string.len(12), string.byte(12), string.sub(12345, 2, 3), s:sub("2", 3.0), pcall(string.sub, s, 1.5), pcall(string.sub)) --> expect: 2\t49\t23\tel\tfalse\tfalse\tbad argument #1 to 'string.sub' (string expected, got no value)
print(string.char(), string.char(104), string.char(104, 105), pcall(string.char, 256), pcall(string.char, -1), pcall(string.len)) --> expect: \th\thi\tfalse\tfalse\tfalse\tbad argument #1 to 'string.len' (string expected, got no value)
for i = 1, 40 do local made = string.char(i) .. "unique" .. i assert(made:sub(2, -1) == "unique" .. i) collectgarbage("step") end
-- Messages name the functions and their callers' lines.
print(pcall(function() local x = math.floor({}) end)) --> expect: false\tquick.lua:91: bad argument #1 to 'floor' (number expected, got table)
print(pcall(function() return math.floor({}) end)) --> expect: false\tquick.lua:92: bad argument #1 to 'floor' (number expected, got table)
print(pcall(function() string.rep() end), pcall(function() return ("x"):sub({}) end)) --> expect: false\tfalse\tquick.lua:93: bad argument #1 to 'sub' (number expected, got table)
print(pcall(function() local m = setmetatable({}, { __add = math.max }) return m + m end)) --> expect: false\tattempt to compare two table values
-- As metamethods, iterators, bodies of coroutines, arguments of pcall, and comparison functions.
local object = setmetatable({}, { __index = rawequal, __call = select, __len = type, __unm = type, __concat = math.type })
print(object.x, pcall(object, 1), #object, -object, pcall(function() return object .. 1 end)) --> expect: false\tfalse\ttable\ttable\ttrue\tnil
for v in abs, -1 do print(v) break end --> expect: 1
print(pcall(abs, -1), pcall(pcall, abs, -1), select(2, xpcall(abs, print, -2))) --> expect: true\ttrue\t2
print(coroutine.wrap(abs)(-9), coroutine.resume(coroutine.create(select), 2, "p", "q")) --> expect: 9\ttrue\tq
print(coroutine.wrap(function(...) local r = floor(coroutine.yield(abs(...))) return r end)(-3)) --> expect: 3
print(tostring(abs):match("^%a+"), abs == math.abs, math.abs ~= math.floor, ({ [abs] = "key" })[math.abs]) --> expect: function\ttrue\ttrue\tkey
print(debug.getinfo(abs, "S").what, debug.getinfo(abs, "u").nparams, debug.getinfo(abs).currentline) --> expect: C\t0\t-1
print(string.gsub("abc", "%w", string.byte), table.concat({ 3, 1, 2 }, " "), pcall(string.dump, abs)) --> expect: 979899\t3 1 2\tfalse\tunable to dump given function
-- Hooks see them.
local events = {}
debug.sethook(function(event) events[#events + 1] = event .. ":" .. tostring(debug.getinfo(2, "n").name) end, "cr")
abs(-1)
local function through() return abs(-1) end
through()
debug.sethook()
print(table.concat(events, " ")) --> expect: return:sethook call:abs return:abs call:through call:abs return:abs return:through call:sethook
