-- Handles: join, status, cancel; waiting for all; options.
local lproc = require "lproc"

local handle = lproc.start("return ...", 1, nil, {2})
print((tostring(handle):gsub("0x%x+", "ADDRESS"))) --> expect: lproc.process: ADDRESS
local ok, one, none, t = handle:join()
print(ok, one, none, t[1], handle:status()) --> expect: true\t1\tnil\t2\tdone
-- It can be asked again, and gives new copies.
print(select("#", handle:join()), select(4, handle:join()) ~= t) --> expect: 4\ttrue
print(handle:cancel()) --> expect: false

-- Limits of time.
local handle = lproc.start("return lproc.receive 'go'")
print(handle:join(0)) --> expect: nil\ttimeout
print(handle:join(0.01)) --> expect: nil\ttimeout
while handle:status() == "running" do lproc.receive("nothing", 0.001) end
print(handle:status()) --> expect: waiting
lproc.send("go", "gone")
print(handle:join(60)) --> expect: true\tgone

-- Cancelling: who waits, and who computes, whatever it does against it.
local function cancelled(f, ...)
  local handle = lproc.start(f, ...)
  lproc.receive("nothing", 0.01)
  print(handle:status(), handle:cancel(), handle:join())
  assert(handle:status() == "cancelled" and handle:cancel() == false)
end
cancelled("lproc.receive 'nothing'") --> expect: waiting\ttrue\tfalse\tcancelled
cancelled("lproc.send('nobody', {})") --> expect: waiting\ttrue\tfalse\tcancelled
cancelled("lproc.receive('nothing', 1000)") --> expect: waiting\ttrue\tfalse\tcancelled
cancelled("while true do end") --> expect: running\ttrue\tfalse\tcancelled
cancelled(function() while true do pcall(function() while true do end end) end end) --> expect: running\ttrue\tfalse\tcancelled
cancelled(function() coroutine.wrap(function() while true do end end)() end) --> expect: running\ttrue\tfalse\tcancelled
cancelled(function() repeat until not pcall(lproc.receive, "nothing") while true do end end)
--> expect: waiting\ttrue\tfalse\tcancelled
-- A message that somebody waited to send is gone with him.
print(lproc.receive("nobody", 0)) --> expect: nil\ttimeout
-- Who is cancelled before he has begun does nothing.
local handle = lproc.start("lproc.send('begun', 1)")
handle:cancel()
print(handle:join()) --> expect: false\tcancelled

-- Errors: the value comes back, and it is told on standard error.
print(lproc.start("error('with a position')"):join())
--> expect: false\t[string "error('with a position')"]:1: with a position
print(lproc.start("error('without', 0)"):join()) --> expect: false\twithout
print(select(2, lproc.start("error{code = 5}"):join()).code) --> expect: 5
print(lproc.start("error(print)"):join()) --> expect: false\t(error object is a function value)
print(lproc.start("error()"):join()) --> expect: false\tnil
local failed = lproc.start("local x = nil + 1")
print(failed:join()) --> expect: false\t[string "local x = nil + 1"]:1: attempt to perform arithmetic on a nil value
print(failed:status()) --> expect: failed

-- A handle may go; the process stays.
lproc.start("lproc.receive 'go' lproc.send('still', 'here')")
collectgarbage() collectgarbage()
lproc.send("go")
print(lproc.receive("still")) --> expect: here

-- Processes have handles, too, of those that they start.
print(lproc.start(function()
  local handle = lproc.start(function() return "inner" end)
  return handle:join()
end):join()) --> expect: true\ttrue\tinner

-- The options, after the chunk or before it.
local function small(n) return #("x"):rep(n) end
print(lproc.start(small, {limit = 300000}, 1000):join()) --> expect: true\t1000
print(lproc.start(small, {limit = 300000}, 1000000):join()) --> expect: false\tnot enough memory
print(lproc.start({limit = 300000, alloc = "system"}, small, 1000000):join()) --> expect: false\tnot enough memory
print(lproc.start("return ...", {alloc = "system"}, 1, 2):join()) --> expect: true\t1\t2
-- A table that is no table of options is an argument, and so is every table after options that come first.
print(select(2, lproc.start("return ...", {limits = 1}):join()).limits) --> expect: 1
print(select(2, lproc.start("return ...", {limit = 1, 2}):join()).limit) --> expect: 1
print(#select(2, lproc.start("return ...", {1, 2, 3}):join())) --> expect: 3
print(next(select(2, lproc.start("return ...", {}):join()))) --> expect: nil
print(select(2, lproc.start({}, "return ...", {limit = 1}):join()).limit) --> expect: 1

-- Waiting for all.
for i = 1, 20 do lproc.start("lproc.receive('nothing', 0.01)") end
print(lproc.wait()) --> expect: true
lproc.start("lproc.receive 'go'")
print(lproc.wait(0)) --> expect: nil\ttimeout
print(lproc.wait(0.01)) --> expect: nil\ttimeout
lproc.send("go")
print(lproc.wait(60)) --> expect: true
print(lproc.wait(0)) --> expect: true

-- Who waits takes no time of the processor.
local waiting = {}
for i = 1, 50 do waiting[i] = lproc.start(i % 2 == 0 and "lproc.receive 'nothing'" or "lproc.send 'nobody'") end
lproc.receive("nothing", 0.1)
local before = os.clock()
lproc.receive("nothing", 0.3)
print(os.clock() - before < 0.1) --> expect: true
for _, handle in ipairs(waiting) do handle:cancel() end
print(lproc.wait(60)) --> expect: true
