-- Generic loops over tables by `next` and `ipairs`, which the interpreter runs without calls.

-- Holes in the array part, at its begin and its end, and entries of the hash part behind it.
local t = {nil, nil, 3, nil, 5, nil, x = "a", y = "b"}
local keys = {}
for k, v in pairs(t) do keys[#keys + 1] = tostring(k) .. "=" .. tostring(v) end
table.sort(keys)
print(table.concat(keys, " ")) --> expect: 3=3 5=5 x=a y=b
for k in pairs({}) do print("never", k) end
for k in next, {nil, nil} do print("never", k) end
for k, v in pairs({[0] = "zero"}) do print(k, v) end --> expect: 0\tzero
for k, v in pairs({[-1] = "minus"}) do print(k, v) end --> expect: -1\tminus
for k, v in pairs({[2 ^ 53] = "large"}) do print(k, v) end --> expect: 9007199254740992\tlarge

-- Keys of every kind, counted and summed.
local f = function() end
local all = {10, 20, 30, [1.5] = 1, [true] = 2, [false] = 3, [f] = 4, [print] = 5, [{}] = 6, [("x"):rep(100)] = 7, s = 8}
local count, sum = 0, 0
for k, v in next, all do
  assert(rawequal(all[k], v))
  count, sum = count + 1, sum + v
end
print(count, sum) --> expect: 11\t96

-- One variable, three, and more than there are values.
for k in pairs({7}) do print(k) end --> expect: 1
for a, b, c in pairs({7}) do print(a, b, c) end --> expect: 1\t7\tnil
for a, b, c, d, e in ipairs({7}) do print(a, b, c, d, e) end --> expect: 1\t7\tnil\tnil\tnil

-- The loop's own variables may be assigned to.
local seen = {}
for i, v in ipairs({4, 5, 6}) do
  seen[#seen + 1] = i .. ":" .. v
  i, v = nil, nil
end
for k, v in pairs({4, 5, 6}) do
  seen[#seen + 1] = k .. ":" .. v
  k, v = "other", nil
end
print(table.concat(seen, " ")) --> expect: 1:4 2:5 3:6 1:4 2:5 3:6

-- Entries may be removed and changed on the way, even when their keys are collected.
local big = {}
for i = 1, 100 do big[i] = i; big["k" .. i] = i; big[{}] = i end
local n = 0
for k in pairs(big) do
  big[k] = nil
  n = n + 1
  if n % 50 == 0 then collectgarbage() end
end
print(n, next(big)) --> expect: 300\tnil
for i = 1, 100 do big["k" .. i] = i end
for k, v in pairs(big) do big[k] = -v end
sum = 0
for _, v in pairs(big) do sum = sum + v end
print(sum) --> expect: -5050

-- Many entries in the hash part.
local many = {}
for i = 1, 70000 do many[i + 0.5] = i end
count, sum = 0, 0
for _, v in pairs(many) do count, sum = count + 1, sum + v end
print(count, sum) --> expect: 70000\t2450035000

-- Only every other one of them has a value.
for i = 1, 70000, 2 do many[i + 0.5] = nil end
count, sum = 0, 0
for _, v in pairs(many) do count, sum = count + 1, sum + v end
print(count, sum) --> expect: 35000\t1225035000

-- The same loop runs in several activations and coroutines at once.
local function walk(tree)
  local total = 1
  for _, child in pairs(tree) do total = total + walk(child) end
  return total
end
print(walk({a = {x = {}, y = {}, {}, {}}, b = {z = {p = {}}}, {q = {}}})) --> expect: 11
local function each(tab) for k, v in pairs(tab) do coroutine.yield(k, v) end end
local one, other = coroutine.wrap(each), coroutine.wrap(each)
local first, second = {a = 1, b = 2, c = 3, d = 4}, {e = 5, f = 6, g = 7, h = 8, i = 9}
local x, y = 0, 0
for i = 1, 4 do
  local _, v = one(first)
  x = x + v
  _, v = other(second)
  y = y + v
end
local _, v = other()
print(x, y + v, one(), other()) --> expect: 10\t35\tnil

-- A loop may begin behind some key.
for k, v in next, {"a", "b", "c", "d"}, 2 do io.write(k, v, " ") end
for k, v in ipairs({}), {"a", "b", "c"}, 1 do io.write(k, v, " ") end
for k, v in ipairs({}), {"a", "b", "c"}, "1" do io.write(k, v, " ") end
print() --> expect: 3c 4d 2b 3c 2b 3c 
for i, v in ipairs({}), {[math.mininteger] = "wraps"}, math.maxinteger do print(i, v) end --> expect: -9223372036854775808\twraps

-- What is no key, no table or no number.
print(pcall(function() for k in next, {}, "absent" do end end)) --> expect: false\tinvalid key to 'next'
print(pcall(function() for k in next, {1, 2}, 3 do end end)) --> expect: false\tinvalid key to 'next'
print(pcall(function() for k in next, {x = 1}, 0 do end end)) --> expect: false\tinvalid key to 'next'
print(pcall(function() for k in next, 5 do end end)) --> expect: false\titeration.lua:102: bad argument #1 to 'for iterator' (table expected, got number)
print(pcall(function() for k in ipairs({}), {}, {} do end end)) --> expect: false\titeration.lua:103: bad argument #2 to 'for iterator' (number expected, got table)
print(pcall(function() for k in ipairs({}), {}, nil do end end)) --> expect: false\titeration.lua:104: bad argument #2 to 'for iterator' (number expected, got nil)
print(pcall(function() for k in ipairs() do end end)) --> expect: false\titeration.lua:105: bad argument #1 to 'ipairs' (value expected)
print(pcall(function() for k in nil do end end)) --> expect: false\titeration.lua:106: attempt to call a nil value

-- `ipairs` stops at the first nil, goes on into the hash part, sees what is appended, and respects `__index`.
for i, v in ipairs({1, 2, nil, 4}) do io.write(i, " ") end
for i, v in ipairs({[1] = 1, [2] = 2, [4] = 4}) do io.write(i, " ") end
local growing = {1}
for i, v in ipairs(growing) do
  io.write(i, " ")
  if i < 20 then growing[i + 1] = i end
end
print(#growing) --> expect: 1 2 1 2 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 20
local proxy = setmetatable({1, nil, 3}, {__index = function(_, i) if i <= 5 then return i * 10 end end})
for i, v in ipairs(proxy) do io.write(i, "=", v, " ") end
print() --> expect: 1=1 2=20 3=3 4=40 5=50 
for i, v in ipairs("abc") do print("never", i, v) end
for k, v in pairs(setmetatable({}, {__pairs = function(t) return next, {9}, nil end})) do print(k, v) end --> expect: 1\t9
for k, v in pairs(setmetatable({1, 2}, {__index = {3, 4, 5}})) do io.write(k, "=", v, " ") end
print() --> expect: 1=1 2=2 

-- Closures keep the variables of their own round.
local closures = {}
for k, v in pairs({"a", "b", "c"}) do
  closures[#closures + 1] = function() return k .. v end
  if k == 2 then goto continue end
  v = v .. "!"
  ::continue::
end
for i, v in ipairs(closures) do io.write(v(), " ") end
print() --> expect: 1a! 2b 3c! 

-- Hooks see the calls of the iterators, and debuggers the control variable.
local calls = 0
debug.sethook(function() if debug.getinfo(2, "f").func == next then calls = calls + 1 end end, "c")
for k in pairs({1, 2, x = 3}) do end
debug.sethook()
print(calls) --> expect: 4
for k, v in pairs({"a", "b"}) do
  for i = 1, 100 do
    local name, value = debug.getlocal(1, i)
    if not name then break end
    if name == "(for control)" then print(k, value) end --> expect: 1\t1 --> expect: 2\t2
  end
end
-- A hook that is set in the middle of a loop, and taken away again.
calls, count = 0, 0
for k in pairs({1, 2, 3, x = 4, y = 5, z = 6}) do
  count = count + 1
  if count == 2 then debug.sethook(function() calls = calls + 1 end, "c") end
  if count == 5 then debug.sethook() end
end
print(count, calls) --> expect: 6\t4

-- Running a loop does not change what its function is dumped as.
local function loops(t) local n = 0 for k, v in pairs(t) do n = n + 1 end return n end
local before = string.dump(loops)
print(loops({1, x = 1, y = 1, z = 1}), before == string.dump(loops), load(before)({1, a = 1})) --> expect: 4\ttrue\t2

-- The last expression ends in jumps, which lead to where the loop begins.
for _, last in ipairs { false, 1, 2 } do
  local seen = 0
  local function count(state, control) seen = seen + 1 if seen < 3 then return state, control end end
  for a, b in count, "state", last == 1 and "control" do io.write(tostring(a), " ", tostring(b), "; ") end
  for a, b in count, "state", last or "control" do io.write("never") end
  seen = 0
  for a, b in count, "state", last == 2 do io.write(tostring(a), " ", tostring(b), "; ") end
  seen = 0
  for a, b in count, "state", not last or last and "control" do io.write(tostring(a), " ", tostring(b), "; ") end
  print() --> expect: state false; state state; state false; state state; state true; state state;  --> expect: state control; state state; state false; state state; state control; state state;  --> expect: state false; state state; state true; state state; state control; state state; 
end
