-- Calls: protected calls that succeed, with arguments and results; few that fail; nested ones; xpcall with a handler.
local pcall, xpcall, error = pcall, xpcall, error
local function work(a, b) return a + b, a end
local function fail(what) error(what, 0) end
local function nested(i) local ok, v = pcall(work, i, 1) return ok and v end
local function handler(m) return #m end
local sum = 0
for i = 1, 2500000 do
  local ok, a, b = pcall(work, i, 2)
  if ok then sum = sum + a - b end
  ok, a = pcall(nested, i)
  sum = sum + a % 3
  if i % 10 == 0 then
    ok, a = pcall(fail, "message")
    sum = sum + #a
    ok, a = xpcall(function() fail("other") end, handler)
    sum = sum + a
  end
end
print("pcall", sum)
