-- How coroutines begin and end: arguments, results, and who may resume whom meanwhile.
local create, resume, status, wrap = coroutine.create, coroutine.resume, coroutine.status, coroutine.wrap
-- Arguments are cut and filled, and so are results.
local function two(a, b) return a, b end
print(resume(create(two))) --> expect: true\tnil\tnil
print(resume(create(two), 1)) --> expect: true\t1\tnil
print(resume(create(two), 1, 2, 3)) --> expect: true\t1\t2
print(select("#", resume(create(two), 1))) --> expect: 3
local ok, a, b, c = resume(create(two), 1)
print(ok, a, b, c) --> expect: true\t1\tnil\tnil
local only = resume(create(two), 5)
print(only) --> expect: true
resume(create(two), 5)
print((resume(create(function() end))), select("#", resume(create(function() end)))) --> expect: true\t1
print(wrap(two)(7), (wrap(two)(7, 8))) --> expect: 7\t7
print(select("#", wrap(function() end)()), select("#", wrap(two)())) --> expect: 0\t2
local x, y, z = wrap(two)(1, 2)
print(x, y, z) --> expect: 1\t2\tnil
-- Varargs, and natives as bodies.
print(resume(create(function(...) return select("#", ...), ... end), 1, nil, nil)) --> expect: true\t3\t1\tnil\tnil
print(resume(create(math.max), 3, 9, 4)) --> expect: true\t9 --> expect: from a native
print(resume(create(print), "from a native")) --> expect: true
-- What has ended, or runs, cannot be resumed.
local ended = create(two)
print(status(ended)) --> expect: suspended
resume(ended)
print(status(ended), resume(ended, 1)) --> expect: dead\tfalse\tcannot resume dead coroutine
print(pcall(wrap(function() end))) --> expect: true
local once = wrap(function() return 1 end)
print(once()) --> expect: 1
print(pcall(once)) --> expect: false\tcannot resume dead coroutine
local me
me = create(function() return resume(me) end)
print(resume(me)) --> expect: true\tfalse\tcannot resume non-suspended coroutine
local outer
outer = create(function() local inner = create(function() return status(outer), resume(outer) end) return resume(inner) end)
print(resume(outer)) --> expect: true\ttrue\tnormal\tfalse\tcannot resume non-suspended coroutine
print(status(outer)) --> expect: dead
-- Values that are captured outlive the coroutine.
local function counter() local n = 0 return function() n = n + 1 return n end end
local _, count = resume(create(counter))
print(count(), count()) --> expect: 1\t2
-- Errors in the first stretch.
print(resume(create(function(t) return t.x end))) --> expect: false\tbegin_and_end.lua:44: attempt to index a nil value (local 't')
print(type(select(2, resume(create(function() error({ 1 }) end))))) --> expect: table
print(pcall(wrap(function() error("e", 0) end))) --> expect: false\te
-- Yields between begin and end, with stacks that must grow.
local function deep(n) if n == 0 then coroutine.yield("deepest") return 0 end return 1 + deep(n - 1) end
local d = create(deep)
print(resume(d, 150)) --> expect: true\tdeepest
print(resume(d)) --> expect: true\t150
print(resume(d)) --> expect: false\tcannot resume dead coroutine
local function big(...) local t = table.pack(...) return table.unpack(t) end
print(select("#", resume(create(function(n) return table.unpack({}, 1, n) end), 200))) --> expect: 201
print(select("#", resume(create(big), table.unpack({}, 1, 220)))) --> expect: 1
-- Many at once, and one in the other.
local function nest(n) if n == 0 then return "innermost" end return wrap(nest)(n - 1) end
print(nest(100)) --> expect: innermost
print((select(2, pcall(nest, 250)):gsub(".*: ", ""))) --> expect: C stack overflow
local all = {}
for i = 1, 300 do all[i] = create(function(v) local w = coroutine.yield(v) return v + w end) end
local sum = 0
for i = 1, 300 do sum = sum + select(2, resume(all[i], i)) end
collectgarbage()
for i = 1, 300 do sum = sum + select(2, resume(all[i], 1)) end
print(sum) --> expect: 90600
-- A pcall around, a metamethod that is a coroutine, and one in a loop.
print(pcall(function() local r = wrap(function(v) return v * 2 end) return r(21) end)) --> expect: true\t42
local object = setmetatable({}, { __index = wrap(function(_, key) while true do _, key = coroutine.yield(key .. "!") end end),
  __add = function(_, v) return select(2, resume(create(two), v)) end })
print(object.a, object.b, object + 4) --> expect: a!\tb!\t4
local seen = {}
for v in wrap(function() for i = 1, 3 do coroutine.yield(i) end end) do seen[#seen + 1] = v end
print(table.concat(seen, " ")) --> expect: 1 2 3
-- Hooks see calls and returns in a coroutine from its beginning.
local events = {}
local hooked = create(two)
debug.sethook(hooked, function(event) events[#events + 1] = event end, "cr")
resume(hooked, 1)
print(table.concat(events, " ")) --> expect: call return
-- What is left of those that have ended.
local left = {}
for i = 1, 40 do left[i] = create(two) resume(left[i], i) end
print(status(left[1]), status(left[40]), resume(left[2]), debug.traceback(left[3], "m")) --> expect: dead\tdead\tfalse\tm --> expect: stack traceback:
print(debug.getinfo(left[4], 0), pcall(debug.getlocal, left[5], 0, 1), debug.gethook(left[6])) --> expect: nil\tfalse\tnil\t\t0
debug.sethook(left[7], function() end, "l")
collectgarbage()
print(status(left[1]), resume(left[2], 1, 2, 3), debug.traceback(left[3])) --> expect: dead\tfalse\tstack traceback:
local function generate(n) return wrap(function() if n > 0 then for v in generate(n - 1) do coroutine.yield(v) end end coroutine.yield(n) end) end
local order = {}
for v in generate(20) do order[#order + 1] = v end
print(table.concat(order, " ")) --> expect: 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20
local weak = setmetatable({}, { __mode = "v" })
weak[1] = create(function(x) local big = { x } return big end)
resume(weak[1], {})
collectgarbage()
print(weak[1]) --> expect: nil
