-- newtry, protect, try and skip; yields go through protected functions.
local socket = require "socket"

print(socket.skip(1, "a", "b", "c")) --> expect: b\tc
print(select("#", socket.skip(0, 1, 2)), select("#", socket.skip(2, 1, 2)), select("#", socket.skip(5, 1))) --> expect: 2\t0\t0
print(socket.skip(2, nil, nil, "c")) --> expect: c

print(socket.try("a", "b", nil, "c")) --> expect: a\tb\tnil\tc
print(socket.try(1)) --> expect: 1
print((pcall(function() print(select("#", socket.try())) end))) --> expect: false
local caught, err = pcall(socket.try, nil, "the message")
print(caught, type(err), #err, err[1], getmetatable(err)) --> expect: false\ttable\t1\tthe message\tfalse
caught, err = pcall(socket.try, false)
print(caught, type(err), #err) --> expect: false\ttable\t0

local log = {}
local try = socket.newtry(function(...) log[#log + 1] = "finalizer " .. select("#", ...) end)
local f = socket.protect(function(...)
  log[#log + 1] = "called"
  local a, b = try(...)
  log[#log + 1] = "went on"
  return a, b, "done"
end)
print(f("x", "y")) --> expect: x\ty\tdone
print(f(nil, "no luck", "more")) --> expect: nil\tno luck
print(f(false)) --> expect: nil\tnil
print(select(2, f(nil, { "table" }))[1]) --> expect: table
print(table.concat(log, ", ")) --> expect: called, went on, called, finalizer 0, called, finalizer 0, called, finalizer 0
print(select("#", f(1, nil))) --> expect: 3

-- Other errors pass.
print(pcall(socket.protect(function() error("plain") end))) --> expect: false\texcept.lua:32: plain
print(pcall(socket.protect(function() error("plain", 0) end))) --> expect: false\tplain
print(pcall(socket.protect(function() error({ 1, 2 }) end)) == false) --> expect: true
print(select(2, pcall(socket.protect(function() error(setmetatable({ 5 }, { __name = "mine" })) end)))[1]) --> expect: 5
print(pcall(socket.protect(function() local x = nil; return x.y end))) --> expect: false\texcept.lua:36: attempt to index a nil value (local 'x')
print(pcall(socket.protect(5))) --> expect: false\tattempt to call a number value
print(pcall(socket.protect())) --> expect: false\tattempt to call a nil value
print(socket.protect(function(...) return ... end)(1, nil, 3, nil)) --> expect: 1\tnil\t3\tnil
print(socket.protect(function() return end)()) --> expect: 

-- A finalizer that fails, and one that is none.
local bad = socket.newtry(function() error("in the finalizer", 0) end)
print(pcall(socket.protect(function() bad(nil, "x") end))) --> expect: false\tin the finalizer
print(pcall(function() socket.newtry(5)(nil, "x") end)) --> expect: false\tattempt to call a number value

-- Within each other: the inner one catches.
local inner = socket.protect(function(v) return try(nil, "inner " .. v) end)
local outer = socket.protect(function() local r, e = inner(1); try(nil, "outer, after " .. e) end)
print(outer()) --> expect: nil\touter, after inner 1

-- What is raised can be raised again, and caught by a protected function further out.
print(socket.protect(function() --> expect: nil\tthrough pcall
  local ok, e = pcall(try, nil, "through pcall")
  error(e)
end)())

-- Yields.
local co = coroutine.wrap(socket.protect(function(a)
  local b = coroutine.yield(a + 1)
  local c = coroutine.yield(b * 2)
  socket.try(c, "no c")
  return "end", c
end))
print(co(1), co(10), co("c")) --> expect: 2\t20\tend\tc
co = coroutine.wrap(socket.protect(function(a)
  coroutine.yield("once")
  socket.try(nil, "after a yield")
end))
print(co(), co()) --> expect: once\tnil\tafter a yield
co = coroutine.create(socket.protect(function() coroutine.yield() error("after a yield", 0) end))
print(coroutine.resume(co)) --> expect: true
print(coroutine.resume(co)) --> expect: false\tafter a yield
print(coroutine.status(co)) --> expect: dead

-- Deep.
local deep = function() return "bottom" end
for _ = 1, 150 do local next_one = deep deep = socket.protect(function() return next_one() end) end
print(deep()) --> expect: bottom
