-- What holds values, and the ways of storing a value that instructions and library functions have. All of it lives as long as the state.
local t, large, meta = {}, {}, setmetatable({}, {})
for i = 1, 400 do large[i] = false large["k" .. i] = false end
local a, b
local function set_a(v) a = v end
local function set_b(v) b = v end
local function both() return a, b end
local function fresh(v) return function() return v end end
local waiting = coroutine.wrap(function(v) while true do local w = v v = coroutine.yield(w) end end)
local running = coroutine.create(function(v) local f = function() return v end while true do v = coroutine.yield(f) end end)
local n = 0
return {
  set_a, set_b,
  function(v) t.x = v end,
  function(v) t[1] = v end,
  function(v) t[#t + 1] = v if #t > 20 then t = {} end end,
  function(v) t[v] = true end,
  function(v) t[{}] = v end,
  function(v) rawset(t, "y", v) end,
  function(v) table.insert(t, 1, v) end,
  function(v) t = {v, t.x, key = v} end,
  function(v) n = n % 400 + 1 large[n] = v end,
  function(v) n = n % 400 + 1 large["k" .. n] = v end,
  function(v) n = n + 1 large[v] = n end,
  function(v) table.move({v, v}, 1, 2, n % 300 + 1, large) end,
  function(v) getmetatable(meta).__index = v end,
  function(v) setmetatable(t, {__index = v}) end,
  function(v) debug.setmetatable(1, {v}) end,
  function(v) debug.setupvalue(set_a, 1, v) end,
  function(v) debug.setupvalue(both, 2, v) end,
  function(v) debug.upvaluejoin(set_b, 1, fresh(v), 1) end,
  function(v) debug.getregistry()[n % 3 + 900] = v end,
  function(v) t.closure = fresh(v) end,
  function(v) waiting(v) end,
  function(v) coroutine.resume(running, v) end,
  function(v) local _, f = coroutine.resume(running, v) debug.setupvalue(f, 1, v) end,
  function(v) t.co = coroutine.create(fresh(v)) end,
  function(v) debug.sethook(running, fresh(v), "c") debug.sethook(running) end,
  function(v) t.s = t.s and #t.s < 500 and t.s .. tostring(v) or tostring(v) end,
}
