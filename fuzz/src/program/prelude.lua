local S, SHOWN = 90, 400

local SUB = string.sub

local TYPE = math.type

local FLOOR = math.floor

local UNPACK = table.unpack

local YIELDABLE = coroutine.isyieldable

local function NN(v) if v == nil then return false end return v end

local function V(...)
  local t, n = {...}, select('#', ...)
  for i = 1, n do if t[i] == nil then t[i] = false end end
  return UNPACK(t, 1, n)
end

local function K(k)
  if k == nil or type(k) == 'function' then return type(k) end
  if TYPE(k) and (k ~= k or k > 0 and FLOOR(k) == k) then return 'key' end
  return k
end

local function X(v) return TYPE(v) == 'integer' and v or 1 end

local function C(s) if type(s) == 'string' and #s > 80 then return SUB(s, -60) end return s end

local function R(t)
  if type(t) == 'table' then
    local m = debug.getmetatable(t)
    if m and rawget(m, '__len') then return {} end
  end
  return t
end

local function TIES(t)
  if type(t) == 'table' then
    for i = 1, rawlen(t) do
      local v = rawget(t, i)
      if TYPE(v) == 'float' then rawset(t, i, math.tointeger(v) or v) end
    end
  end
  return t
end

local function T(v)
  local k = type(v)
  if k == 'number' and v ~= v then return 'nan' end
  if k == 'string' or k == 'number' or k == 'nil' or k == 'boolean' then return tostring(v) end
  return k
end

local function Y(...)
  if YIELDABLE() then return coroutine.yield(...) end
  return ...
end

local function H(e) return 'handled', e end

local ORDER = {number = 1, string = 2, boolean = 3}

local function LT(a, b)
  local x, y = ORDER[type(a)] or 4, ORDER[type(b)] or 4
  if x ~= y then return x < y end
  if x == 1 then return a == a and (b ~= b or a < b) end
  if x == 2 then return a < b end
  return x == 3 and b and not a
end

local function KEYS(t)
  local keys, n, rest = {}, 0, 0
  for k in next, t do
    if ORDER[type(k)] then n = n + 1 keys[n] = k else rest = rest + 1 end
  end
  table.sort(keys, LT)
  return keys, n, rest
end

local function SPAIRS(t)
  if type(t) ~= 'table' then t = {t} end
  local keys, n = KEYS(t)
  local i = 0
  return function() i = i + 1 if i <= n then return keys[i], rawget(t, keys[i]) end end
end

local function SHOW(...)
  local seen, out, n = {}, {}, 0
  local met = 0
  local function put(s) n = n + 1 out[n] = s end
  local function dump(v, depth)
    SHOWN = SHOWN - 1
    if SHOWN < 0 then return put('...') end
    if type(v) == 'string' then return put('"' .. v .. '"') end
    if type(v) ~= 'table' then return put(T(v)) end
    if seen[v] then return put('#' .. seen[v]) end
    met = met + 1
    seen[v] = met
    if depth > 8 then return put('{...}') end
    local keys, count, rest = KEYS(v)
    put('{')
    for i = 1, count do
      put(T(keys[i])) put('=') dump(rawget(v, keys[i]), depth + 1) put(' ')
    end
    if rest > 0 then put('and ' .. rest) end
    put(debug.getmetatable(v) and '}+' or '}')
  end
  for i = 1, select('#', ...) do put(' ') dump((select(i, ...)), 0) end
  io.write(table.concat(out), '\n')
end

local W, KEPT = setmetatable({}, {__mode = 'k'}), {}

local function N(v)
  if type(v) == 'number' then return v elseif type(v) == 'string' then return #v else return 2 end
end

local F = {
  __add = function(a, b) return N(a) + N(b) end, __sub = function(a, b) return N(a) - N(b) end,
  __mul = function(a, b) return N(a) * N(b) end, __div = function(a, b) return N(a) / N(b) end,
  __mod = function(a, b) return N(a), N(b) end, __pow = function(a, b) return Y(N(a)) end,
  __unm = function(a) return Y(-N(a)) end, __idiv = function(a, b) return a end,
  __band = function(a, b) return X(a) & X(b) end, __bor = function(a, b) return X(a) | X(b) end,
  __bxor = function(a, b) return X(a) ~ X(b) end, __shl = function(a, b) return X(a) << X(b) end,
  __shr = function(a, b) return X(a) >> X(b) end, __bnot = function(a) return ~X(a) end,
  __concat = function(a, b) return C(T(a) .. T(b)) end, __len = function(a) return 0 end,
  __eq = function(a, b) return Y(true) end, __lt = function(a, b) return N(a) < N(b) end,
  __le = function(a, b) return Y(N(a) <= N(b)) end, __call = function(f, ...) return ... end,
  __index = function(t, k) return Y(k) end, __newindex = function(t, k, v) Y(v) end,
}

local UPS = {}
for i = 1, 4 do local x UPS[i] = function() return x end end

local LEFT = {}

local M = {F,
  {__index = function(t, k) return k end, __newindex = function(t, k, v) rawset(t, K(k), v) end,
    __call = function(self, ...) return select('#', ...), ... end, __concat = function(a, b) return Y('cat') end},
  {__eq = function(a, b) return Y(false) end, __lt = function(a, b) return Y(true) end, __len = function(t) return 2 end,
    __unm = function(a, b) return rawequal(a, b) end, __add = function(a, b) return a end, __sub = rawequal,
    __concat = function(a, b) return {b} end, __index = LEFT, __bor = function() end},
  {__index = setmetatable({x = 1, y = 's', z = SHOW}, {__index = function(t, k) return T(k) end}), __newindex = LEFT,
    __gc = function(o) KEPT[1] = o KEPT[2] = {o} end, __metatable = 'no', __call = N},
  {__lt = function(a, b) error('lt') end, __le = error, __add = function(a, b) return S end, __index = error,
    __call = coroutine.wrap(function(...) while true do Y(...) end end), __len = function(t) return t end},
}
