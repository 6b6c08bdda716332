-- Coroutines in use: producers, permutations, a scheduler, and many at once.
local function permutations(list)
  local function go(n)
    if n == 0 then coroutine.yield(table.concat(list)) end
    for i = 1, n do
      list[n], list[i] = list[i], list[n]
      go(n - 1)
      list[n], list[i] = list[i], list[n]
    end
  end
  return coroutine.wrap(function() go(#list) end)
end
for p in permutations { "a", "b", "c" } do io.write(p, " ") end
print() --> expect: bca cba cab acb bac abc 
local function filter(n, source)
  return coroutine.wrap(function() for x in source do if x % n ~= 0 then coroutine.yield(x) end end end)
end
local source = coroutine.wrap(function() for i = 2, 60 do coroutine.yield(i) end end)
local primes = {}
while true do
  local p = source()
  if not p then break end
  primes[#primes + 1] = p
  source = filter(p, source)
end
print(table.concat(primes, " ")) --> expect: 2 3 5 7 11 13 17 19 23 29 31 37 41 43 47 53 59
local tasks, log = {}, {}
for id = 1, 3 do
  tasks[id] = coroutine.create(function() for step = 1, id do log[#log + 1] = id .. "." .. step; coroutine.yield() end end)
end
while #tasks > 0 do
  for i = #tasks, 1, -1 do
    coroutine.resume(tasks[i])
    if coroutine.status(tasks[i]) == "dead" then table.remove(tasks, i) end
  end
end
print(table.concat(log, " ")) --> expect: 3.1 2.1 1.1 3.2 2.2 3.3
local many = {}
for i = 1, 200 do many[i] = coroutine.wrap(function(x) while true do x = coroutine.yield(x + i) end end) end
local sum = 0
for i = 1, 200 do sum = sum + many[i](1) + many[i](2) end
print(sum) --> expect: 40800
