-- Every library function that calls back, run without yields, with yields in each callback, and with an error in each
-- callback, before or after a yield. The reference agrees with what is printed, which is the run without yields: the
-- calls in their order, and the results. Whatever differs in the other runs is printed too.
local pack, unpack, concat, resume, totext = table.pack, table.unpack, table.concat, coroutine.resume, tostring

local trace             -- The calls up to now.
local yielding          -- Whether callbacks yield.
local failing           -- The call that is to fail.
local yields = 0

-- Each callback notes what it does and returns its results by way of this.
local function callback(what, ...)
  what = totext(what)
  trace[#trace + 1] = what
  local fails = #trace == failing
  if yielding then
    coroutine.yield()
    coroutine.yield("second", what)
    yields = yields + 3
    if fails then coroutine.yield() error("failed in " .. what, 0) end
    return coroutine.yield(...)
  end
  if fails then error("failed in " .. what, 0) end
  return ...
end

-- Runs a function in a coroutine and collects garbage whenever that is suspended.
local function run(f)
  trace = {}
  local co = coroutine.create(f)
  local results = pack(resume(co))
  while coroutine.status(co) == "suspended" do
    collectgarbage()
    results = pack(resume(co, unpack(results, 2, results.n)))
  end
  for i = 1, results.n do results[i] = totext(results[i]) end
  return concat(trace, " ") .. " -> " .. concat(results, " ", 1, results.n), #trace
end

local function compare(name, ways, expected)
  yielding = true
  local got = run(ways)
  if got ~= expected then print(name .. " differs: " .. got .. " instead of " .. expected) end
  yielding = false
end

local function test(name, f, prints)
  yielding, failing = false, nil
  local expected, count = run(f)
  print(name .. ": " .. expected)
  compare(name, f, expected)
  if prints then return end
  for i = 1, count, count // 40 + 1 do
    failing = i
    for _, way in ipairs { f, function() return pcall(f) end } do compare(name .. " failing", way, (run(way))) end
  end
  failing = nil
end

-- A table without elements that hands all accesses on to another one.
local function proxy(t)
  return setmetatable({}, {
    __index = function(_, k) return callback("get" .. k, t[k]) end,
    __newindex = function(_, k, v) callback("set" .. k) t[k] = v end,
    __len = function() return callback("len", #t) end,
    __eq = function() return callback("eq", true) end,
  })
end
local function text(t) return concat(t, ",") end

test("concat", function() return concat(proxy { "a", 2, "c" }) end)
test("concat with separator", function() return concat(proxy { "a", 2, "c", "d" }, "--", 2, 3) end)
test("concat of much", function() return #concat(proxy { ("x"):rep(300), ("y"):rep(3000), ("z"):rep(300) }, ("s"):rep(200)) end)
test("concat of nothing", function() return concat(proxy {}, ",") end)
test("concat of what is no string", function() return concat(proxy { "a", {}, "c" }) end)
test("concat of partly present elements", function()
  local t = setmetatable({ "a", nil, "c" }, { __index = function(_, k) return callback("get" .. k, "b") end })
  return concat(t, ",", 1, 4)
end)
test("concat to the largest index", function() return concat(proxy { [math.maxinteger] = "a", [math.maxinteger - 1] = "b" }, ",", math.maxinteger - 1, math.maxinteger) end)

test("insert", function() local t = { 1, 2 } table.insert(proxy(t), "new") return text(t) end)
test("insert before", function() local t = { 1, 2, 3 } table.insert(proxy(t), 2, "new") return text(t) end)
test("insert at the end", function() local t = { 1, 2, 3 } table.insert(proxy(t), "4", "new") return text(t) end)
test("insert beyond the end", function() table.insert(proxy { 1 }, 4, "new") end)
test("insert too much", function() table.insert(proxy { 1 }, 1, 2, 3) end)
test("insert through inherited methods", function()
  local t = setmetatable({ 1, 2, 3 }, { __newindex = function(t, k, v) callback("set" .. k) rawset(t, k, v) end })
  table.insert(t, 1, 0)
  return text(t)
end)
test("remove", function() local t = { 1, 2, 3 } return table.remove(proxy(t)), text(t) end)
test("remove first", function() local t = { 1, 2, 3 } return table.remove(proxy(t), 1), text(t) end)
test("remove last", function() local t = { 1, 2, 3 } return table.remove(proxy(t), 3), text(t) end)
test("remove after the last", function() local t = { 1, 2, 3 } return table.remove(proxy(t), 4), text(t) end)
test("remove nothing", function() return table.remove(proxy {}) end)
test("remove elsewhere", function() return table.remove(proxy { 1 }, 5) end)

test("move up", function() local t = { 1, 2, 3 } return text(table.move(proxy(t), 1, 3, 2) and t) end)
test("move down", function() local t = { 1, 2, 3 } return text(table.move(proxy(t), 2, 3, 1) and t) end)
test("move apart", function() local t = { 1, 2 } return text(table.move(proxy(t), 1, 2, 3) and t) end)
test("move elsewhere", function() local t = {} table.move({ 1, 2, 3 }, 1, 3, 2, proxy(t)) return t[2], t[3], t[4] end)
test("move from elsewhere", function() return text(table.move(proxy { 1, 2, 3 }, 1, 3, 1, {})) end)
test("move between equal tables", function()
  local t = { 1, 2, 3 }
  table.move(proxy(t), 1, 3, 2, proxy(t))
  return text(t)
end)
test("move nothing", function() return #table.move(proxy { 1, 2 }, 2, 1, 5) end)

test("unpack", function() return unpack(proxy { 1, 2, 3 }) end)
test("unpack a part", function() return unpack(proxy { 1, nil, 3 }, 2, "4") end)
test("unpack nothing", function() return unpack(proxy {}) end)
test("unpack a few", function() return unpack(setmetatable({ 1, nil, 3 }, { __index = function(_, k) return callback("get" .. k, -k) end }), 1, 4) end)
test("length that is none", function()
  return unpack(setmetatable({}, { __len = function() return callback("len", "long") end }))
end)

-- The calls of a sort are many: their number is enough, as the other runs must have the same.
local function counted(f) return function() local result = f() trace = { #trace .. " calls", n = #trace } return result end end
local function numbers(n)
  local t, x = {}, 1
  for i = 1, n do x = x * 7 % 101 t[i] = x end
  return t
end
test("sort", function() local t = { 3, 1, 2 } table.sort(t, function(a, b) return callback(a .. "<" .. b, a < b) end) return text(t) end)
test("sort proxy", function() local t = { 3, 1, 2 } table.sort(proxy(t)) return text(t) end)
test("sort four by proxy", function() local t = { 4, 3, 2, 1 } table.sort(proxy(t), function(a, b) return callback(a .. "<" .. b, a < b) end) return text(t) end)
test("sort proxy by native function", function() local t = { 3, 1, 2, 5, 4 } table.sort(proxy(t), rawequal) return "sorted" end)
local object = { __lt = function(a, b) return callback(a.n .. "<" .. b.n, a.n < b.n) end }
test("sort objects", function()
  local t = {}
  for i, n in ipairs { 5, 2, 4, 1, 3 } do t[i] = setmetatable({ n = n }, object) end
  table.sort(t)
  for i, o in ipairs(t) do t[i] = o.n end
  return text(t)
end)
test("sort without order", function() table.sort({ 1, 2, 3, 4, 5, 6 }, function(a, b) return callback("?", true) end) end)
test("sort what has no order", function() table.sort(proxy { 1, "x", {} }) end)
test("sort many", counted(function()
  local t = numbers(100)
  table.sort(proxy(t), function(a, b) return callback("<", a > b) end)
  for i = 2, #t do assert(t[i - 1] >= t[i]) end
  return text { unpack(t, 1, 10) }
end))

test("gsub", function() return ("hello world"):gsub("o", function(c) return callback(c, c:upper()) end) end)
test("gsub with captures", function() return ("key = value, k=v"):gsub("()(%w+)%s*=%s*(%w+)", function(at, k, v) return callback(k, at .. v .. k) end) end)
test("gsub without replacement", function() return ("abc"):gsub("%w", function(c) return callback(c, c == "b" and "B") end) end)
test("gsub anchored", function() return ("aaa"):gsub("^a", function(c) return callback(c, "b") end) end)
test("gsub of nothing", function() return ("abc"):gsub("", function() return callback("empty", "-") end, 3) end)
test("gsub with table", function()
  local t = setmetatable({ a = 1 }, { __index = function(_, k) return callback(k, k ~= "b" and k .. k) end })
  return ("abcd"):gsub("%w", t)
end)
test("gsub with chain of tables", function()
  local last = setmetatable({}, { __index = function(_, k) return callback(k, "<" .. k .. ">") end })
  return ("abc"):gsub("()%w", setmetatable({ "first" }, { __index = setmetatable({ [2] = 2.5 }, { __index = last }) }))
end)
test("gsub with what is no text", function() return ("abc"):gsub("b", function() return callback("b", {}) end) end)
test("gsub with table of what is no text", function() return ("abc"):gsub("b", setmetatable({}, { __index = function() return callback("b", true) end })) end)
test("gsub to a long text", function() return #("abc"):gsub("%w", function(c) return callback(c, c:rep(5000)) end) end)

local function named(name) return setmetatable({}, { __tostring = function() return callback(name, name) end }) end
test("tostring", function() return tostring(named "x") end)
test("tostring without text", function() return tostring(named(nil)) end)
test("tostring of number", function() return math.type(tostring(named(12))) end)
test("format", function() return ("%d %s %5s %.1s|%q"):format(1, named "x", named "y", named "zz", "q") end)
test("format without text", function() return ("%s"):format(named(true)) end)
test("print", function() print(named "x", 1, nil, named "y") end, "prints")
test("print without text", function() print((named(false))) end)
test("print by another tostring", function()
  local old = tostring
  local ok, message = pcall(function()
    tostring = function(v) return callback(old(v), "<" .. old(v) .. ">") end
    print("a", 2)
  end)
  tostring = old
  if not ok then error(message, 0) end
end, "prints")
test("print by an inherited tostring", function()
  local old = tostring
  tostring = nil
  setmetatable(_G, { __index = function(_, k) return callback(k, old) end })
  local ok, message = pcall(print, "a", 2)
  setmetatable(_G, nil)
  tostring = old
  if not ok then error(message, 0) end
end, "prints")
test("print in error", function() print((setmetatable({}, { __tostring = function() return callback("fails", error("e", 0)) end }))) end)

test("ipairs", function() local s = "" for i, v in ipairs(proxy { "a", "b" }) do s = s .. i .. v end return s end)
test("ipairs by itself", function() local step, t, i = ipairs(proxy { "a" }) return step(t, i) end)
test("__ipairs", function()
  for i, v in ipairs(setmetatable({}, { __ipairs = function() return callback("ipairs", ipairs { "one" }) end })) do return i, v end
end)
test("pairs", function()
  local t = setmetatable({}, { __pairs = function() return callback("pairs", next, { key = "value" }, nil) end })
  for k, v in pairs(t) do return k, v end
end)
test("iterator", function() local s = "" for v in function(_, v) v = (v or 0) + 1 return callback("next", v < 4 and v or nil) end do s = s .. v end return s end)

test("load", function()
  local pieces, i = { "return ", "1 ", "+ 2" }, 0
  return load(function() i = i + 1 return callback("piece" .. i, pieces[i]) end)()
end)
test("load of what is no text", function() return load(function() return callback("piece", {}) end) end)
here = callback
test("dofile", function()
  local name = os.tmpname()
  local file = io.open(name, "w")
  file:write("return here('in file', ...), here('later', 2)")
  file:close()
  local results = pack(pcall(dofile, name))
  os.remove(name)
  return unpack(results)
end)

-- Puts back what a test has changed of the package library.
local function restored(f)
  local old = { path = package.path, cpath = package.cpath, searchers = package.searchers, preload = { unpack(package.preload) } }
  local ok, message = pcall(f)
  setmetatable(package, nil)
  setmetatable(package.loaded, nil)
  setmetatable(package.preload, nil)
  package.path, package.cpath, package.searchers = old.path, old.cpath, old.searchers
  for _, name in ipairs { "one", "two.three" } do package.loaded[name], package.preload[name] = nil, nil end
  if not ok then error(message, 0) end
  return message
end
test("require", function()
  return restored(function()
    package.preload.one = function(name, extra) return callback("loading " .. name, "module") end
    return require "one" .. require "one"
  end)
end)
test("require without value", function()
  return restored(function() package.preload.one = function() return callback("loading") end return require "one" end)
end)
test("require by searchers", function()
  return restored(function()
    package.searchers = {
      function(name) return callback("first", "\n\tnot " .. name) end,
      function(name) return callback("second", nil) end,
      function(name) return callback("third", function(name, extra) return callback("loading", name .. extra) end, "!") end,
    }
    return require "one"
  end)
end)
test("require in vain", function()
  return restored(function()
    package.searchers = { function(name) return callback("first", "\n\tnot " .. name) end, function(name) return callback("second", 2) end }
    return require "one"
  end)
end)
test("require by inherited fields", function()
  return restored(function()
    local searchers, loaded, preload = package.searchers, {}, {}
    package.path, package.cpath, package.searchers = nil, nil, nil
    setmetatable(package, { __index = function(_, k) return callback(k, k == "searchers" and searchers or "?.absent") end })
    setmetatable(package.loaded, {
      __index = function(_, k) return callback("loaded " .. k, loaded[k]) end,
      __newindex = function(_, k, v) callback("set " .. k) loaded[k] = v end,
    })
    setmetatable(package.preload, { __index = function(_, k) return callback("preload " .. k, preload[k]) end })
    local ok, message = pcall(require, "two.three")
    message = message:gsub("\n.*", "")
    preload.one = function() return callback("loading") end
    return message .. tostring(require "one") .. tostring(loaded.one)
  end)
end)

local function date(t) return text { t.year, t.month, t.day, t.hour, t.min, t.sec, t.yday } end
test("os.time", function()
  local t = { year = 2024, month = 14, day = 1, hour = 0 }
  local time = os.time(proxy(t))
  return date(t), math.type(time)
end)
test("os.time in error", function() return os.time(proxy { year = 2024, month = "x" }) end)
test("os.time without day", function() return os.time(proxy { year = 2024 }) end)

test("pcall", function() return pcall(function(...) callback("in") error(callback("out", "e"), 0) end) end)
test("xpcall", function() return xpcall(function() callback("in") error(callback("out", "e"), 0) end, string.upper) end)
test("wrapped coroutine", function()
  -- The callbacks of the inner coroutine yield to the sort, which hands that on.
  local function through(co, ...)
    local results = pack(resume(co, ...))
    if not results[1] then error(results[2], 0) end
    if coroutine.status(co) == "dead" then return unpack(results, 2, results.n) end
    return through(co, coroutine.yield(unpack(results, 2, results.n)))
  end
  local t = { 2, 3, 1 }
  table.sort(t, function(a, b) return through(coroutine.create(function() return callback(a .. b, a < b) end)) end)
  return text(t)
end)
test("all together", function()
  local log = {}
  local list = proxy { 3, 1, 2 }
  local replacements = setmetatable({}, {
    __index = function(_, k)
      local ok, message = pcall(function()
        table.sort(list, function(a, b)
          if k == "b" and a == b + 1 then error(tostring(named "order"), 0) end
          return callback("<", a > b)
        end)
        return concat(list, ";")
      end)
      return tostring(named(k)) .. ":" .. tostring(message)
    end,
  })
  local s, n = ("a b c"):gsub("%w", replacements)
  return ("%s %s"):format(named "result", s), n
end)
test("loops of calls", function()
  -- Neither way leads out of the native stack.
  local t = setmetatable({}, {})
  getmetatable(t).__index = function(t, k) return concat(t, "", 1, 1) end
  local ok, message = pcall(concat, t, "", 1, 1)
  return ok, message:match("stack overflow")
end)
-- In a coroutine `load` reads everything before it compiles, and so it calls its reader also after an error; elsewhere not.
local function load_in_error()
  local pieces, i = { "return ", "= " }, 0
  local f, message = load(function() i = i + 1 return callback("piece" .. i, pieces[i]) end, "=chunk")
  return message
end
test("load in error", load_in_error)
trace = {}
print(load_in_error(), #trace)
print(yields > 10000, coroutine.isyieldable())
