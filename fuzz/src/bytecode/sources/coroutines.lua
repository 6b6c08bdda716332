local co = coroutine.wrap(function(a, ...)
  local x = {}
  local function up() x = {a, x} return x end
  for i = 1, 10 do up() coroutine.yield(i, x, ...) end
  local ok, m = pcall(function(...) local z = a .. {} return z, ... end, ...)
  emit(ok, m)
  return up, m
end)
for i = 1, 11 do local a, b, c = co(i, i + 1, "x") emit(a, b, c) check() end
local t = setmetatable({}, {__index = function(t, k) return k end, __newindex = rawset, __call = function(s, ...) return ... end,
  __add = function(a, b) return a end, __concat = function(a, b) return "c" end, __lt = function() return true end, __eq = function() return true end, __len = function() return 3 end,
  __close = 1, __gc = function() end, __unm = function(a) return a end})
emit(t.x, t[1], t + 1, 1 + t, t .. 1, 1 .. t, t < t, t <= 1, t == {}, #t, -t, t(1, 2, 3))
local s = 0
for k, v in pairs({10, 20, 30, a = 1}) do s = s + v; t[k] = v; check() end
for i, v in ipairs({1, 2}) do emit(i, v) end
return t:y(1)
