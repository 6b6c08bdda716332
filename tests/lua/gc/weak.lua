-- Manual §2.5: weak tables, finalizers, collectgarbage.
local weak = setmetatable({}, { __mode = "k" })
local kept = {}
weak[kept] = "kept" weak[{}] = "lost" weak["string"] = "stays"
collectgarbage()
local n = 0
for _ in pairs(weak) do n = n + 1 end
print(n, weak[kept], weak.string) --> expect: 2\tkept\tstays
local values = setmetatable({ {}, kept, "s", 1 }, { __mode = "v" })
collectgarbage()
print(values[1], values[2] == kept, values[3], values[4]) --> expect: nil\ttrue\ts\t1
-- ephemerons: a value that refers to its own key does not keep it
local ephemeron = setmetatable({}, { __mode = "k" })
do local key = {} ephemeron[key] = { key } end
collectgarbage()
print(next(ephemeron)) --> expect: nil
-- finalizers run once, in the reverse order of marking
local order = {}
local together = {}
for i = 1, 3 do together[i] = setmetatable({}, { __gc = function() order[#order + 1] = i end }) end
together = nil
collectgarbage()
print(table.concat(order, " ")) --> expect: 3 2 1
-- resurrection
local saved
do
  local object = setmetatable({ name = "phoenix" }, { __gc = function(o) saved = o end })
  object = nil
end
collectgarbage()
print(saved and saved.name) --> expect: phoenix
saved = nil
collectgarbage()
print(saved) --> expect: nil
-- without __gc in the metatable when it is set, no finalizer
local called = false
do
  local mt = {}
  local object = setmetatable({}, mt)
  mt.__gc = function() called = true end
end
collectgarbage()
print(called) --> expect: false
print(collectgarbage("count") > 0, math.type(collectgarbage("count")), collectgarbage("isrunning")) --> expect: true\tfloat\ttrue
print(collectgarbage("stop"), collectgarbage("isrunning"), collectgarbage("restart"), collectgarbage("isrunning")) --> expect: 0\tfalse\t0\ttrue
print(collectgarbage("setpause", 150), collectgarbage("setpause", 200), collectgarbage("setstepmul", 300), collectgarbage("setstepmul", 200)) --> expect: 200\t150\t200\t300
print(collectgarbage(), collectgarbage("collect"), collectgarbage("step", 1e6)) --> expect: 0\t0\ttrue
print(pcall(collectgarbage, "no such option")) --> expect: false\tbad argument #1 to 'collectgarbage' (invalid option 'no such option')
print(pcall(setmetatable({}, { __gc = true }) and collectgarbage)) --> expect: true\t0
do
  local before = collectgarbage("count")
  local t = {}
  for i = 1, 1000 do t[i] = { i } end
  t = nil
  collectgarbage()
  print(collectgarbage("count") < before + 20) --> expect: true
end
-- an error in a finalizer shows in the collecting call
setmetatable({}, { __gc = function() error("in finalizer", 0) end })
print(pcall(collectgarbage)) --> expect: false\terror in __gc metamethod (in finalizer)
