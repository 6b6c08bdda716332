-- Manual §2.5: weak tables, finalizers, collectgarbage.
local weak = setmetatable({}, { __mode = "k" })
local kept = {}
weak[kept] = "kept" weak[{}] = "lost" weak["string"] = "stays"
collectgarbage()
local n = 0
for _ in pairs(weak) do n = n + 1 end
print(n, weak[kept], weak.string)
local values = setmetatable({ {}, kept, "s", 1 }, { __mode = "v" })
collectgarbage()
print(values[1], values[2] == kept, values[3], values[4])
-- ephemerons: a value that refers to its own key does not keep it
local ephemeron = setmetatable({}, { __mode = "k" })
do local key = {} ephemeron[key] = { key } end
collectgarbage()
print(next(ephemeron))
-- finalizers run once, in the reverse order of marking
local order = {}
for i = 1, 3 do setmetatable({}, { __gc = function() order[#order + 1] = i end }) end
collectgarbage()
print(table.concat(order, " "))
-- resurrection
local saved
do
  local object = setmetatable({ name = "phoenix" }, { __gc = function(o) saved = o end })
  object = nil
end
collectgarbage()
print(saved and saved.name)
saved = nil
collectgarbage()
print(saved)
-- without __gc in the metatable when it is set, no finalizer
local called = false
do
  local mt = {}
  local object = setmetatable({}, mt)
  mt.__gc = function() called = true end
end
collectgarbage()
print(called)
print(collectgarbage("count") > 0, math.type(collectgarbage("count")), collectgarbage("isrunning"))
print(collectgarbage("stop"), collectgarbage("isrunning"), collectgarbage("restart"), collectgarbage("isrunning"))
print(collectgarbage("setpause", 150), collectgarbage("setpause", 200), collectgarbage("setstepmul", 300), collectgarbage("setstepmul", 200))
print(collectgarbage(), collectgarbage("collect"), collectgarbage("step", 1e6))
print(pcall(collectgarbage, "no such option"))
print(pcall(setmetatable({}, { __gc = true }) and collectgarbage))
do
  local before = collectgarbage("count")
  local t = {}
  for i = 1, 1000 do t[i] = { i } end
  t = nil
  collectgarbage()
  print(collectgarbage("count") < before + 20)
end
-- an error in a finalizer shows in the collecting call
setmetatable({}, { __gc = function() error("in finalizer", 0) end })
print(pcall(collectgarbage))
