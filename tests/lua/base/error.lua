-- error (message [, level]), pcall, xpcall, manual §6.1
print(pcall(error))
print(pcall(error, nil))
print(pcall(error, "message"))
print(pcall(error, "message", 0))
print(pcall(function() error("one") end))
print(pcall(function() error("two", 2) end))
local function level(n) error("level " .. n, n) end
print(pcall(function() level(1) end))
print(pcall(function() level(2) end))
local object = {}
print(select(2, pcall(error, object)) == object)
print(xpcall(function(...) return select("#", ...), ... end, print, 1, nil))
print(xpcall(error, function(m) return "handled: " .. tostring(m) end, "x"))
print(xpcall(error, function(m) error("again") end, "x"))
print(pcall(pcall, error, "nested"))
print(pcall(xpcall))
print(pcall(pcall))
print(pcall(1))
local function traced() local x = nil; return x.field end
print(xpcall(traced, function(m) return (debug.traceback(m, 1):match("^[^\n]*\nstack traceback:\n")) end))
