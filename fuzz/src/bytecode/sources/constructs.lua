local t = {1, 2, x = 1, [4.5] = "a", f = function(s, ...) return s, ... end}
local function f(a, b, ...)
  local x, y = a + 1, b .. "x"
  local function g() x = x + 1 y = nil return t.f(t, x) end
  for i = 1, 3 do g(i) t[i] = {i, ...} end
  for k, v in next, t do if k == "x" then t.y = v break end end
  while x < 10 do x = x * 2 end
  if x == 5 or x == "a" or not y then x = -x elseif x >= 2.5 then x = ~x & 7 end
  goto done
  do local z = function() return z, x end t.z = z end
  ::done::
  return g(), t:f("a string of more than forty characters, which is long", ...)
end
check()
return f(...)
