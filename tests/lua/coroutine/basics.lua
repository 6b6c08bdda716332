-- Manual §6.2 and §2.6.
local co = coroutine.create(function(a, b)
  local c = coroutine.yield(a + b)
  local d, e = coroutine.yield(c * 2)
  return d + e, "end"
end)
print(coroutine.status(co), coroutine.resume(co, 1, 2)) --> expect: suspended\ttrue\t3
print(coroutine.status(co), coroutine.resume(co, 10)) --> expect: suspended\ttrue\t20
print(coroutine.resume(co, 3, 4)) --> expect: true\t7\tend
print(coroutine.status(co), coroutine.resume(co)) --> expect: dead\tfalse\tcannot resume dead coroutine
local generator = coroutine.wrap(function() for i = 1, 3 do coroutine.yield(i) end end)
print(generator(), generator(), generator(), generator()) --> expect: 1\t2\t3
print(pcall(generator)) --> expect: false\tcannot resume dead coroutine
print(coroutine.isyieldable(), coroutine.wrap(function() return coroutine.isyieldable() end)()) --> expect: false\ttrue
local main, is_main = coroutine.running()
print(type(main), is_main, coroutine.wrap(function() return select(2, coroutine.running()) end)()) --> expect: thread\ttrue\tfalse
print(coroutine.resume(coroutine.create(function() error("broken") end))) --> expect: false\tbasics.lua:17: broken
print((coroutine.resume(coroutine.create(function() error({}) end)))) --> expect: false
print(pcall(coroutine.wrap(function() error("in wrap") end))) --> expect: false\tbasics.lua:19: in wrap
print(pcall(coroutine.wrap(function() error("no position", 0) end))) --> expect: false\tno position
local status
local outer
outer = coroutine.create(function()
  local inner = coroutine.create(function() status = coroutine.status(outer) end)
  coroutine.resume(inner)
  return coroutine.resume(outer)
end)
print(coroutine.resume(outer)) --> expect: true\tfalse\tcannot resume non-suspended coroutine
print(status) --> expect: normal
print(pcall(coroutine.yield, 1)) --> expect: false\tattempt to yield from outside a coroutine
print(pcall(coroutine.resume, 1)) --> expect: false\tbad argument #1 to 'coroutine.resume' (thread expected)
print(pcall(coroutine.create, 1)) --> expect: false\tbad argument #1 to 'coroutine.create' (function expected, got number)
print(pcall(coroutine.status, nil)) --> expect: false\tbad argument #1 to 'coroutine.status' (thread expected)
print(coroutine.resume(main)) --> expect: false\tcannot resume non-suspended coroutine
local w
w = coroutine.wrap(function() return pcall(w) end)
print(w()) --> expect: false\tcannot resume dead coroutine
print(select("#", coroutine.wrap(function(...) return ... end)(nil, nil))) --> expect: 2
