-- Coroutines: made, run to their ends, suspended once and forgotten, ended by an error.
local create, resume, yield, wrap = coroutine.create, coroutine.resume, coroutine.yield, coroutine.wrap
local function twice(a) local b = yield(a + 1) return a + b end
local function fails(a) error(a, 0) end
local sum = 0
for i = 1, 800000 do
  local co = create(twice)
  local _, x = resume(co, i)
  local _, y = resume(co, x)
  sum = (sum + y) % 1000003
  sum = sum + wrap(twice)(i) % 7
  if i % 4 == 0 then
    local ok, message = resume(create(fails), "gone")
    if not ok then sum = sum + #message end
  end
end
print("create", sum)
