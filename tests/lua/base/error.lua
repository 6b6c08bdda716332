-- error (message [, level]), pcall, xpcall, manual §6.1
print(pcall(error)) --> expect: false\tnil
print(pcall(error, nil)) --> expect: false\tnil
print(pcall(error, "message")) --> expect: false\tmessage
print(pcall(error, "message", 0)) --> expect: false\tmessage
print(pcall(function() error("one") end)) --> expect: false\terror.lua:6: one
print(pcall(function() error("two", 2) end)) --> expect: false\ttwo
local function level(n) error("level " .. n, n) end
print(pcall(function() level(1) end)) --> expect: false\terror.lua:8: level 1
print(pcall(function() level(2) end)) --> expect: false\terror.lua:10: level 2
local object = {}
print(select(2, pcall(error, object)) == object) --> expect: true
print(xpcall(function(...) return select("#", ...), ... end, print, 1, nil)) --> expect: true\t2\t1\tnil
print(xpcall(error, function(m) return "handled: " .. tostring(m) end, "x")) --> expect: false\thandled: x
print(xpcall(error, function(m) error("again") end, "x")) --> expect: false\terror in error handling
print(pcall(pcall, error, "nested")) --> expect: true\tfalse\tnested
print(pcall(xpcall)) --> expect: false\tbad argument #2 to 'xpcall' (function expected, got no value)
print(pcall(pcall)) --> expect: false\tbad argument #1 to 'pcall' (value expected)
print(pcall(1)) --> expect: false\tattempt to call a number value
local function traced() local x = nil; return x.field end
print(xpcall(traced, function(m) return (debug.traceback(m, 1):match("^[^\n]*\nstack traceback:\n")) end)) --> expect: false\terror.lua:20: attempt to index a nil value (local 'x') --> expect: stack traceback: --> expect: 
