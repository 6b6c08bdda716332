-- Manual §6.10.
local function f(a, b, ...)
  local c = a
  local info = debug.getinfo(1, "nSlutf")
  return info, debug.getlocal(1, 1), debug.getlocal(1, 3)
end
local info, name = f(1, 2, 3)
print(info.name, info.namewhat, info.what, info.short_src, info.linedefined, info.lastlinedefined, info.currentline) --> expect: f\tlocal\tLua\tlibrary.lua\t2\t6\t4
print(info.nparams, info.isvararg, info.nups, info.istailcall, info.func == f, name) --> expect: 2\ttrue\t1\tfalse\ttrue\ta
print(debug.getinfo(print, "S").what, debug.getinfo(print).short_src, debug.getinfo(1, "l").currentline, debug.getinfo(100)) --> expect: C\t[C]\t10\tnil
local lines = {}
for line in pairs(debug.getinfo(f, "L").activelines) do lines[#lines + 1] = line end
table.sort(lines)
print(table.concat(lines, " ")) --> expect: 3 4 5 6
print(pcall(debug.getinfo, 1, "X")) --> expect: false\tbad argument #2 to 'debug.getinfo' (invalid option)
print(pcall(debug.getinfo, "x")) --> expect: false\tbad argument #1 to 'debug.getinfo' (number expected, got string)
local function locals()
  local first, second = 1, "two"
  do local inner = true end
  local i, out = 1, {}
  while true do
    local name, value = debug.getlocal(1, i)
    if not name then break end
    out[#out + 1] = name
    i = i + 1
  end
  debug.setlocal(1, 1, "changed")
  return first, table.concat(out, ",")
end
print(locals()) --> expect: changed\tfirst,second,i,out
print(debug.getlocal(f, 1), debug.getlocal(f, 2), debug.getlocal(f, 3)) --> expect: a\tb\tnil
print((function(...) return debug.getlocal(1, -1) end)("vararg")) --> expect: (*vararg)\tvararg
local up1, up2 = 1, 2
local function g() return up1, up2 end
local function h() return up2 end
print(debug.getupvalue(g, 1), debug.getupvalue(g, 2), debug.getupvalue(g, 3), debug.setupvalue(g, 1, 10), up1) --> expect: up1\tup2\tnil\tup1\t10
print(debug.upvalueid(g, 2) == debug.upvalueid(h, 1), debug.upvalueid(g, 1) == debug.upvalueid(h, 1)) --> expect: true\tfalse
debug.upvaluejoin(g, 1, h, 1)
print(g()) --> expect: 2\t2
local counts = { call = 0, ["return"] = 0, line = 0, count = 0 }
local function traced() local x = 1; return x end
debug.sethook(function(event) counts[event] = (counts[event] or 0) + 1 end, "crl")
traced()
debug.sethook()
print(counts.call, counts["return"], counts.line > 0, debug.gethook()) --> expect: 2\t2\ttrue\tnil\t\t0
local steps = 0
debug.sethook(function() steps = steps + 1 end, "", 100)
for i = 1, 1000 do end
debug.sethook()
print(steps > 5) --> expect: true
local trail = {}
debug.sethook(function(_, line) trail[#trail + 1] = line end, "l")
local a = 1
if a then
  a = 2
end
debug.sethook()
for i = 1, #trail do trail[i] = trail[i] - trail[1] end
print(table.concat(trail, " ")) --> expect: 0 54 55 57
print(debug.getmetatable("").__index == string, debug.setmetatable(10, { __index = function(n, k) return k .. n end }), (5).x) --> expect: true\t10\tx5
debug.setmetatable(10, nil)
print(debug.getregistry()[2] == _G, debug.getuservalue(io.stdout), pcall(debug.setuservalue, {}, 1)) --> expect: true\tnil\tfalse\tbad argument #1 to 'debug.setuservalue' (userdata expected, got table)
print((debug.traceback("message", 1):gsub("\n.*", "")), debug.traceback(12), debug.traceback({}) ~= nil)
--> expect: message\t12
--> expect: stack traceback:
--> expect: \tlibrary.lua:63: in main chunk
--> expect: \t[C]: in ?\ttrue
local co = coroutine.create(function(x) local y = x * 2; coroutine.yield(y) end)
coroutine.resume(co, 21)
print(debug.getlocal(co, 1, 1), debug.getlocal(co, 1, 2), debug.getinfo(co, 1, "l").currentline) --> expect: x\ty\t68
print(debug.traceback(co)) --> expect: stack traceback: --> expect: \t[C]: in function 'coroutine.yield' --> expect: \tlibrary.lua:68: in function <library.lua:68>
print(debug.traceback(co, "with message"))
--> expect: with message
--> expect: stack traceback:
--> expect: \t[C]: in function 'coroutine.yield'
--> expect: \tlibrary.lua:68: in function <library.lua:68>
print(debug.traceback(co, nil, 1)) --> expect: stack traceback: --> expect: \tlibrary.lua:68: in function <library.lua:68>
