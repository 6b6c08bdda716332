-- Switches between coroutines that wait in plain calls: how many values go which way, who resumes whom, and what may change meanwhile.
local create, resume, status, wrap, yield = coroutine.create, coroutine.resume, coroutine.status, coroutine.wrap, coroutine.yield
-- A number of values each way, and a number of wanted results on each side; -1: all of them. Each pair switches several times.
local function list(n, name)
  local t = {}
  for i = 1, n do t[i] = name .. i end
  return table.concat(t, ", ")
end
local function receive(n, call)
  if n < 0 then return "got(" .. call .. ")" end
  return n == 0 and call .. " got('-')" or ("local %s = %s got(%s)"):format(list(n, "r"), call, list(n, "r"))
end
local function try(kind, given, asked, passed, wanted)
  local log = {}
  local function got(...)
    local t = table.pack(...)
    for i = 1, t.n do t[i] = tostring(t[i]):sub(1, 4) end
    log[#log + 1] = table.concat(t, ",")
  end
  local arguments = ("co" .. (given > 0 and ", " or "") .. list(given, "'g'..i..")):gsub("%.%.(%d)", "..'%1'")
  local call = kind == "resume" and "resume(" .. arguments .. ")" or "w(" .. arguments:gsub("^co,? ?", "") .. ")"
  local values = list(passed, "'p'.."):gsub("%.%.(%d)", "..'%1'")
  local text = ([[
    local create, resume, wrap, yield, got = ...
    local function body() while true do %s end end
    local co, w = create(body), wrap(body)
    for i = 1, 3 do %s end]]):format(receive(asked, "yield(" .. values .. ")"), receive(wanted, call))
  assert(load(text))(create, resume, wrap, yield, got)
  return table.concat(log, " ")
end
local lines = {}
for _, kind in ipairs { "resume", "wrap" } do
  for given = 0, 2 do
    for passed = 0, 2 do
      for asked = -1, 2 do
        local t = {}
        for wanted = -1, 3 do t[#t + 1] = try(kind, given, asked, passed, wanted) end
        lines[#lines + 1] = ("%s %d %d %d: %s"):format(kind, given, passed, asked, table.concat(t, "; "))
      end
    end
  end
end
print(#lines) --> expect: 72
print(lines[1]) --> expect: resume 0 0 -1: true  true  true; -  -  -; true  true  true; true,nil  true,nil  true,nil; true,nil,nil  true,nil,nil  true,nil,nil
print(lines[3]) --> expect: resume 0 0 1: true nil true nil true; - nil - nil -; true nil true nil true; true,nil nil true,nil nil true,nil; true,nil,nil nil true,nil,nil nil true,nil,nil
print(lines[19]) --> expect: resume 1 1 1: true,p1 g21 true,p1 g31 true,p1; - g21 - g31 -; true g21 true g31 true; true,p1 g21 true,p1 g31 true,p1; true,p1,nil g21 true,p1,nil g31 true,p1,nil
print(lines[20]) --> expect: resume 1 1 2: true,p1 g21,nil true,p1 g31,nil true,p1; - g21,nil - g31,nil -; true g21,nil true g31,nil true; true,p1 g21,nil true,p1 g31,nil true,p1; true,p1,nil g21,nil true,p1,nil g31,nil true,p1,nil
print(lines[31]) --> expect: resume 2 1 1: true,p1 g21 true,p1 g31 true,p1; - g21 - g31 -; true g21 true g31 true; true,p1 g21 true,p1 g31 true,p1; true,p1,nil g21 true,p1,nil g31 true,p1,nil
print(lines[72]) --> expect: wrap 2 2 2: p1,p2 g21,g22 p1,p2 g31,g32 p1,p2; - g21,g22 - g31,g32 -; p1 g21,g22 p1 g31,g32 p1; p1,p2 g21,g22 p1,p2 g31,g32 p1,p2; p1,p2,nil g21,g22 p1,p2,nil g31,g32 p1,p2,nil
local sum = 0
for i, line in ipairs(lines) do for j = 1, #line do sum = (sum * 31 + line:byte(j) * i) % 1000000007 end end
print(sum)
--> expect: 473467824
--> expect: state
--> expect: state
--> expect: nil\t1
--> expect: nil\t2
-- Generic loops, whose iterator gets two arguments, with one variable and more.
local function numbers(n) return wrap(function() for i = 1, n do yield(i) end end) end
local function pairs_of(n) return wrap(function() for i = 1, n do local state, control = yield(i, i * i) print(state, control) end end) end
local function echo(n) return wrap(function(_, last) for i = 1, n do local s = yield(i) print(s) end end) end
local s = 0
for x in numbers(10) do s = s + x end
for x in echo(2), "state" do s = s + x end
for x, y in pairs_of(2) do s = s + y end
for x, y, z in numbers(2) do print(x, y, z) end --> expect: 1\tnil\tnil --> expect: 2\tnil\tnil
print(s) --> expect: 63
-- One coroutine resumed from several levels in turn.
local shared = create(function(a) while true do a = yield(a + 1) end end)
local function use(v) local ok, r = resume(shared, v) return r end
local level = 0
for i = 1, 5 do
  level = level + use(i)
  level = level + wrap(function() return use(i) + use(i) end)()
  level = level + wrap(function() return wrap(function() return use(i) end)() end)()
end
print(level) --> expect: 80
-- Chains: each resumes the next one.
local function chain(n) return wrap(function() local inner = n > 0 and chain(n - 1) while true do yield(n > 0 and inner() + 1 or 0) end end) end
local c = chain(100)
print(c(), c(), c()) --> expect: 100\t100\t100
local function bottomless() local co = create(bottomless) local _, e = resume(co) return e end
print((tostring(bottomless()):gsub(".*: ", ""))) --> expect: C stack overflow
-- States.
local states = {}
local first, second
first = create(function() while true do states[#states + 1] = status(first) .. status(second) yield(resume(second)) end end)
second = create(function()
  while true do
    states[#states + 1] = status(first) .. status(second)
    yield(resume(first))
  end
end)
for i = 1, 3 do print(resume(first)) end --> expect: true\ttrue\tfalse\tcannot resume non-suspended coroutine --> expect: true\ttrue\tfalse\tcannot resume non-suspended coroutine --> expect: true\ttrue\tfalse\tcannot resume non-suspended coroutine
print(table.concat(states, " "), status(first), status(second)) --> expect: runningsuspended normalrunning runningsuspended normalrunning runningsuspended normalrunning\tsuspended\tsuspended
print(resume(coroutine.running())) --> expect: false\tcannot resume non-suspended coroutine
local own
own = wrap(function() for i = 1, 3 do yield(pcall(own)) end end)
for i = 1, 3 do print(own()) end --> expect: false\tcannot resume dead coroutine --> expect: false\tcannot resume dead coroutine --> expect: false\tcannot resume dead coroutine
-- What lies on the stacks meanwhile: garbage collections, and frames as others see them.
local keep = create(function(t) while true do local kept = { t[1] } t = yield(kept) collectgarbage() end end)
for i = 1, 5 do
  local _, t = resume(keep, { "kept" .. i })
  collectgarbage()
  if i > 3 then print(t[1]) end --> expect: kept4 --> expect: kept5 --> expect: stack traceback: switches.lua:110: in main chunk [C]: in ?
end
local seen = create(function(main) while true do print((debug.traceback(main, nil, 1):gsub("%s+", " "))) main = yield() end end)
local main = coroutine.running()
for i = 1, 2 do
  resume(seen, main)
  print((debug.traceback(seen):gsub("%s+", " "))) --> expect: stack traceback: [C]: in function 'coroutine.yield' switches.lua:107: in function <switches.lua:107> --> expect: stack traceback: switches.lua:110: in main chunk [C]: in ? --> expect: stack traceback: [C]: in function 'coroutine.yield' switches.lua:107: in function <switches.lua:107>
end
-- Hooks that are set on a thread that waits.
local events = {}
local function hook(event) events[#events + 1] = event:sub(1, 1) end
local hooked = create(function(a) while true do a = yield(a) end end)
resume(hooked, 1) resume(hooked, 2)
debug.sethook(hooked, hook, "cr")
resume(hooked, 3) resume(hooked, 4)
debug.sethook(hooked)
resume(hooked, 5) resume(hooked, 6)
print(table.concat(events)) --> expect: rcrc
events = {}
local setter = create(function(on) while true do debug.sethook(main, on and hook or nil, "l") on = yield(on) end end)
for i = 1, 3 do
  local _, on = resume(setter, true)
  local _, off = resume(setter, false)
  local _, again = resume(setter, false)
end
print(table.concat(events)) --> expect: lll
-- Errors after quiet switches, and what is dead then.
local fails = create(function(a) while a < 3 do a = yield(a) end error("at " .. a, 0) end)
for i = 1, 4 do print(resume(fails, i)) end
--> expect: true\t1
--> expect: true\t2
--> expect: false\tat 3
--> expect: false\tcannot resume dead coroutine
local careful = wrap(function(a) while true do local ok, e = pcall(function() while true do a = yield(a) if a > 2 then error(a) end end end) a = 0 yield(e) end end)
for i = 1, 4 do print(careful(i)) end
--> expect: 1
--> expect: 2
--> expect: 3
--> expect: 0
local returns = create(function(a) yield(a) yield(a) return "end", a end)
for i = 1, 4 do print(resume(returns, i)) end
--> expect: true\t1
--> expect: true\t1
--> expect: true\tend\t1
--> expect: false\tcannot resume dead coroutine
-- Deep in the stack, and where it must grow: frames at many distances from its end.
local function down(n, v) if n == 0 then return yield(v) end local r = down(n - 1, v) return r end
local total = 0
for n = 0, 120 do
  local co = create(function(v) while true do v = down(n, v) end end)
  for i = 1, 3 do total = total + select(2, resume(co, i)) end
end
local function up(n, co) if n == 0 then local _, v = resume(co, 1) return v end local r = up(n - 1, co) return r end
local one = create(function(a) while true do a = yield(a) end end)
for n = 0, 150 do total = total + up(n, one) end
print(total) --> expect: 877
-- Tail calls, and functions called by metamethods.
local tail = create(function(a) local function again(b) return yield(b) end while true do a = again(a) end end)
for i = 1, 3 do print(resume(tail, i)) end --> expect: true\t1 --> expect: true\t2 --> expect: true\t3
local object = setmetatable({}, { __index = function(_, k) return yield(k) end, __newindex = function(_, k, v) yield(v) end })
local access = wrap(function() for i = 1, 2 do object.x = object["k" .. i] end return "done" end)
for i = 1, 5 do print(access(i)) end
--> expect: k1
--> expect: 2
--> expect: k2
--> expect: 4
--> expect: done
-- The status from within, of oneself and of those that wait; of what is no coroutine.
local inner, outer
inner = create(function() print(status(inner), status(outer), status(main)) yield() end)
outer = create(function() resume(inner) print(status(inner), status(outer), (status(main))) yield(status(inner), 1) end)
print(status(inner), status(outer), status(main)) --> expect: suspended\tsuspended\trunning --> expect: running\tnormal\tnormal --> expect: suspended\trunning\tnormal
print(resume(outer)) --> expect: true\tsuspended\t1
print(status(inner), status(outer), #status(outer), status(inner, nil)) --> expect: suspended\tsuspended\t9\tsuspended
resume(inner) resume(outer)
print(status(inner), status(outer)) --> expect: dead\tdead
local broken = create(error)
resume(broken)
print(status(broken), pcall(status), pcall(status, {})) --> expect: dead\tfalse\tfalse\tbad argument #1 to 'coroutine.status' (thread expected)
print(select(2, pcall(status, print))) --> expect: bad argument #1 to 'coroutine.status' (thread expected)
