-- What cannot be yielded across: message handlers, hooks set from Lua, finalizers, a native comparator, and the main thread.
local function run(name, f, ...)
  local co = coroutine.create(f)
  print(name, coroutine.resume(co, ...))
  assert(coroutine.status(co) == "dead")
end
run("handler", function() return xpcall(error, function() return coroutine.yield("in handler") end, "e") end) --> expect: handler\ttrue\tfalse\terror in error handling
run("handler after a yield within", function() --> expect: handler after a yield within\ttrue\tfalse\tfalse
  local co = coroutine.wrap(function() coroutine.yield() error("e") end)
  co()
  return xpcall(co, function() return coroutine.isyieldable() end)
end)
for _, mask in ipairs { "l", "c", "r" } do
  run("hook " .. mask, function() --> expect: hook l\tfalse\tattempt to yield across a C-call boundary --> expect: hook c\tfalse\tattempt to yield across a C-call boundary --> expect: hook r\tfalse\tattempt to yield across a C-call boundary
    debug.sethook(function() debug.sethook() coroutine.yield("in hook") end, mask)
    local x = tostring(1)
    return x
  end)
end
run("hook by count", function() --> expect: hook by count\tfalse\tattempt to yield across a C-call boundary
  debug.sethook(function() debug.sethook() coroutine.yield("in hook") end, "", 10)
  for i = 1, 1000 do local x = i end
end)
run("hook that asks", function() --> expect: hook that asks\ttrue\tfalse\ttrue
  local answer
  debug.sethook(function() debug.sethook() answer = coroutine.isyieldable() end, "l")
  local x = 1
  return answer, coroutine.isyieldable()
end)
run("finalizer", function() --> expect: finalizer\tfalse\terror in __gc metamethod (attempt to yield across a C-call boundary)
  setmetatable({}, { __gc = function() coroutine.yield("in finalizer") end })
  collectgarbage()
  return "not here"
end)
run("finalizer that asks", function() --> expect: finalizer that asks\ttrue\tfalse\ttrue
  local answer
  setmetatable({}, { __gc = function() answer = coroutine.isyieldable() end })
  collectgarbage()
  return answer, coroutine.isyieldable()
end)
run("finalizer that resumes", function() --> expect: finalizer that resumes\ttrue\tfrom within
  local answer
  setmetatable({}, { __gc = function() answer = coroutine.wrap(function() coroutine.yield("from within") end)() end })
  collectgarbage()
  return answer
end)
run("native comparator", function() return table.sort({ 3, 1, 2 }, coroutine.yield) end) --> expect: native comparator\tfalse\tattempt to yield across a C-call boundary
print(pcall(coroutine.yield, 1)) --> expect: false\tattempt to yield from outside a coroutine
print(coroutine.isyieldable(), select(2, coroutine.running())) --> expect: false\ttrue
