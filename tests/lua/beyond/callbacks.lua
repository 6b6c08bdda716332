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

-- Runs a function in a coroutine and collects garbage at every seventh suspension. (With `gc_zeal` each allocation does that.)
local suspensions = 0
local function run(f)
  trace = {}
  local co = coroutine.create(f)
  local results = pack(resume(co))
  while coroutine.status(co) == "suspended" do
    suspensions = suspensions + 1
    if suspensions % 7 == 0 then collectgarbage() end
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

test("concat", function() return concat(proxy { "a", 2, "c" }) end) --> expect: concat: len get1 get2 get3 -> true a2c
test("concat with separator", function() return concat(proxy { "a", 2, "c", "d" }, "--", 2, 3) end) --> expect: concat with separator: len get2 get3 -> true 2--c
test("concat of much", function() return #concat(proxy { ("x"):rep(300), ("y"):rep(3000), ("z"):rep(300) }, ("s"):rep(200)) end) --> expect: concat of much: len get1 get2 get3 -> true 4000
test("concat of nothing", function() return "[" .. concat(proxy {}, ",") .. "]" end) --> expect: concat of nothing: len -> true []
test("concat of what is no string", function() return concat(proxy { "a", {}, "c" }) end) --> expect: concat of what is no string: len get1 get2 -> false callbacks.lua:77: invalid value (table) at index 2 in table for 'concat'
test("concat of partly present elements", function()
  local t = setmetatable({ "a", nil, "c" }, { __index = function(_, k) return callback("get" .. k, "b") end })
  return concat(t, ",", 1, 4)
end) --> expect: concat of partly present elements: get2 get4 -> true a,b,c,b
test("concat to the largest index", function() return concat(proxy { [math.maxinteger] = "a", [math.maxinteger - 1] = "b" }, ",", math.maxinteger - 1, math.maxinteger) end) --> expect: concat to the largest index: len get9223372036854775806 get9223372036854775807 -> true b,a

test("insert", function() local t = { 1, 2 } table.insert(proxy(t), "new") return text(t) end) --> expect: insert: len set3 -> true 1,2,new
test("insert before", function() local t = { 1, 2, 3 } table.insert(proxy(t), 2, "new") return text(t) end) --> expect: insert before: len get3 set4 get2 set3 set2 -> true 1,new,2,3
test("insert at the end", function() local t = { 1, 2, 3 } table.insert(proxy(t), "4", "new") return text(t) end) --> expect: insert at the end: len set4 -> true 1,2,3,new
test("insert beyond the end", function() table.insert(proxy { 1 }, 4, "new") end) --> expect: insert beyond the end: len -> false callbacks.lua:87: bad argument #2 to 'insert' (position out of bounds)
test("insert too much", function() table.insert(proxy { 1 }, 1, 2, 3) end) --> expect: insert too much: len -> false callbacks.lua:88: wrong number of arguments to 'insert'
test("insert through inherited methods", function()
  local t = setmetatable({ 1, 2, 3 }, { __newindex = function(t, k, v) callback("set" .. k) rawset(t, k, v) end })
  table.insert(t, 1, 0)
  return text(t)
end) --> expect: insert through inherited methods: set4 -> true 0,1,2,3
test("remove", function() local t = { 1, 2, 3 } return table.remove(proxy(t)), text(t) end) --> expect: remove: len get3 set3 -> true 3 1,2
test("remove first", function() local t = { 1, 2, 3 } return table.remove(proxy(t), 1), text(t) end) --> expect: remove first: len get1 get2 set1 get3 set2 set3 -> true 1 2,3
test("remove last", function() local t = { 1, 2, 3 } return table.remove(proxy(t), 3), text(t) end) --> expect: remove last: len get3 set3 -> true 3 1,2
test("remove after the last", function() local t = { 1, 2, 3 } return table.remove(proxy(t), 4), text(t) end) --> expect: remove after the last: len get4 set4 -> true nil 1,2,3
test("remove nothing", function() return table.remove(proxy {}) end) --> expect: remove nothing: len get0 set0 -> true nil
test("remove elsewhere", function() return table.remove(proxy { 1 }, 5) end) --> expect: remove elsewhere: len -> false callbacks.lua:99: bad argument #1 to 'remove' (position out of bounds)

test("move up", function() local t = { 1, 2, 3 } return text(table.move(proxy(t), 1, 3, 2) and t) end) --> expect: move up: get3 set4 get2 set3 get1 set2 -> true 1,1,2,3
test("move down", function() local t = { 1, 2, 3 } return text(table.move(proxy(t), 2, 3, 1) and t) end) --> expect: move down: get2 set1 get3 set2 -> true 2,3,3
test("move apart", function() local t = { 1, 2 } return text(table.move(proxy(t), 1, 2, 3) and t) end) --> expect: move apart: get1 set3 get2 set4 -> true 1,2,1,2
test("move elsewhere", function() local t = {} table.move({ 1, 2, 3 }, 1, 3, 2, proxy(t)) return t[2], t[3], t[4] end) --> expect: move elsewhere: eq set4 set3 set2 -> true 1 2 3
test("move from elsewhere", function() return text(table.move(proxy { 1, 2, 3 }, 1, 3, 1, {})) end) --> expect: move from elsewhere: get1 get2 get3 -> true 1,2,3
test("move between equal tables", function()
  local t = { 1, 2, 3 }
  table.move(proxy(t), 1, 3, 2, proxy(t))
  return text(t)
end) --> expect: move between equal tables: eq get3 set4 get2 set3 get1 set2 -> true 1,1,2,3
test("move nothing", function() return #table.move(proxy { 1, 2 }, 2, 1, 5) end) --> expect: move nothing: len -> true 2

test("unpack", function() return unpack(proxy { 1, 2, 3 }) end) --> expect: unpack: len get1 get2 get3 -> true 1 2 3
test("unpack a part", function() return unpack(proxy { 1, nil, 3 }, 2, "4") end) --> expect: unpack a part: get2 get3 get4 -> true nil 3 nil
test("unpack nothing", function() return unpack(proxy {}) end) --> expect: unpack nothing: len -> true
test("unpack a few", function() return unpack(setmetatable({ 1, nil, 3 }, { __index = function(_, k) return callback("get" .. k, -k) end }), 1, 4) end) --> expect: unpack a few: get2 get4 -> true 1 -2 3 -4
test("length that is none", function()
  return unpack(setmetatable({}, { __len = function() return callback("len", "long") end }))
end) --> expect: length that is none: len -> false callbacks.lua:118: object length is not an integer

-- The calls of a sort are many: their number is enough, as the other runs must have the same.
local function counted(f) return function() local result = f() trace = { #trace .. " calls", n = #trace } return result end end
local function numbers(n)
  local t, x = {}, 1
  for i = 1, n do x = x * 7 % 101 t[i] = x end
  return t
end
test("sort", function() local t = { 3, 1, 2 } table.sort(t, function(a, b) return callback(a .. "<" .. b, a < b) end) return text(t) end) --> expect: sort: 2<3 1<2 -> true 1,2,3
test("sort proxy", function() local t = { 3, 1, 2 } table.sort(proxy(t)) return text(t) end) --> expect: sort proxy: len get1 get3 set1 set3 get2 get1 set2 set1 -> true 1,2,3
test("sort four by proxy", function() local t = { 4, 3, 2, 1 } table.sort(proxy(t), function(a, b) return callback(a .. "<" .. b, a < b) end) return text(t) end) --> expect: sort four by proxy: len get1 get4 1<4 set1 set4 get2 get1 3<1 get4 4<3 get2 get3 set2 set3 get2 2<3 get3 3<3 get2 3<2 set3 set3 get1 get2 2<1 -> true 1,2,3,4
test("sort proxy by native function", function() local t = { 3, 1, 2, 5, 4 } table.sort(proxy(t), rawequal) return "sorted" end) --> expect: sort proxy by native function: len get1 get5 get3 get1 get5 get3 get4 set3 set4 get2 get3 set2 set3 get3 get2 set4 set3 get4 get5 get1 get2 -> true sorted
local object = { __lt = function(a, b) return callback(a.n .. "<" .. b.n, a.n < b.n) end }
test("sort objects", function()
  local t = {}
  for i, n in ipairs { 5, 2, 4, 1, 3 } do t[i] = setmetatable({ n = n }, object) end
  table.sort(t)
  for i, o in ipairs(t) do t[i] = o.n end
  return text(t)
end) --> expect: sort objects: 3<5 4<3 5<4 2<4 1<4 4<4 4<1 1<3 2<1 3<2 -> true 1,2,3,4,5
test("sort without order", function() table.sort({ 1, 2, 3, 4, 5, 6 }, function(a, b) return callback("?", true) end) end) --> expect: sort without order: ? ? ? ? ? ? -> false callbacks.lua:140: invalid order function for sorting
test("sort what has no order", function() table.sort(proxy { 1, "x", {} }) end) --> expect: sort what has no order: len get1 get3 -> false attempt to compare table with number
test("sort many", counted(function()
  local t = numbers(100)
  table.sort(proxy(t), function(a, b) return callback("<", a > b) end)
  for i = 2, #t do assert(t[i - 1] >= t[i]) end
  return text { unpack(t, 1, 10) }
end)) --> expect: sort many: 1912 calls -> true 100,99,98,97,96,95,94,93,92,91

test("gsub", function() return ("hello world"):gsub("o", function(c) return callback(c, c:upper()) end) end) --> expect: gsub: o o -> true hellO wOrld 2
test("gsub with captures", function() return ("key = value, k=v"):gsub("()(%w+)%s*=%s*(%w+)", function(at, k, v) return callback(k, at .. v .. k) end) end) --> expect: gsub with captures: key k -> true 1valuekey, 14vk 2
test("gsub without replacement", function() return ("abc"):gsub("%w", function(c) return callback(c, c == "b" and "B") end) end) --> expect: gsub without replacement: a b c -> true aBc 3
test("gsub anchored", function() return ("aaa"):gsub("^a", function(c) return callback(c, "b") end) end) --> expect: gsub anchored: a -> true baa 1
test("gsub of nothing", function() return ("abc"):gsub("", function() return callback("empty", "-") end, 3) end) --> expect: gsub of nothing: empty empty empty -> true -a-b-c 3
test("gsub with table", function()
  local t = setmetatable({ a = 1 }, { __index = function(_, k) return callback(k, k ~= "b" and k .. k) end })
  return ("abcd"):gsub("%w", t)
end) --> expect: gsub with table: b c d -> true 1bccdd 4
test("gsub with chain of tables", function()
  local last = setmetatable({}, { __index = function(_, k) return callback(k, "<" .. k .. ">") end })
  return ("abc"):gsub("()%w", setmetatable({ "first" }, { __index = setmetatable({ [2] = 2.5 }, { __index = last }) }))
end) --> expect: gsub with chain of tables: 3 -> true first2.5<3> 3
test("gsub with what is no text", function() return ("abc"):gsub("b", function() return callback("b", {}) end) end) --> expect: gsub with what is no text: b -> false callbacks.lua:162: invalid replacement value (a table)
test("gsub with table of what is no text", function() return ("abc"):gsub("b", setmetatable({}, { __index = function() return callback("b", true) end })) end) --> expect: gsub with table of what is no text: b -> false callbacks.lua:163: invalid replacement value (a boolean)
test("gsub to a long text", function() return #("abc"):gsub("%w", function(c) return callback(c, c:rep(5000)) end) end) --> expect: gsub to a long text: a b c -> true 15000

local function named(name) return setmetatable({}, { __tostring = function() return callback(name, name) end }) end
test("tostring", function() return tostring(named "x") end) --> expect: tostring: x -> true x
test("tostring without text", function() return tostring(named(nil)) end) --> expect: tostring without text: nil -> false callbacks.lua:168: '__tostring' must return a string
test("tostring of number", function() return math.type(tostring(named(12))) end) --> expect: tostring of number: 12 -> true nil
test("format", function() return ("%d %s %5s %.1s|%q"):format(1, named "x", named "y", named "zz", "q") end) --> expect: format: x y zz -> true 1 x     y z|"q"
test("format without text", function() return ("%s"):format(named(true)) end) --> expect: format without text: true -> false callbacks.lua:171: '__tostring' must return a string
test("print", function() print(named "x", 1, nil, named "y") end, "prints") --> expect: x\t1\tnil\ty --> expect: print: x y -> true
test("print without text", function() print((named(false))) end) --> expect: x\t1\tnil\ty --> expect: print without text: false -> false '__tostring' must return a string
test("print by another tostring", function()
  local old = tostring
  local ok, message = pcall(function()
    tostring = function(v) return callback(old(v), "<" .. old(v) .. ">") end
    print("a", 2)
  end)
  tostring = old
  if not ok then error(message, 0) end
end, "prints") --> expect: <a>\t<2> --> expect: print by another tostring: a 2 -> true --> expect: <a>\t<2>
test("print by an inherited tostring", function()
  local old = tostring
  tostring = nil
  setmetatable(_G, { __index = function(_, k) return callback(k, old) end })
  local ok, message = pcall(print, "a", 2)
  setmetatable(_G, nil)
  tostring = old
  if not ok then error(message, 0) end
end, "prints") --> expect: a\t2 --> expect: print by an inherited tostring: tostring -> true
test("print in error", function() print((setmetatable({}, { __tostring = function() return callback("fails", error("e", 0)) end }))) end) --> expect: a\t2 --> expect: print in error:  -> false e

test("ipairs", function() local s = "" for i, v in ipairs(proxy { "a", "b" }) do s = s .. i .. v end return s end) --> expect: ipairs: get1 get2 get3 -> true 1a2b
test("ipairs by itself", function() local step, t, i = ipairs(proxy { "a" }) return step(t, i) end) --> expect: ipairs by itself: get1 -> true 1 a
test("__ipairs", function()
  for i, v in ipairs(setmetatable({}, { __ipairs = function() return callback("ipairs", ipairs { "one" }) end })) do return i, v end
end) --> expect: __ipairs: ipairs -> true 1 one
test("pairs", function()
  local t = setmetatable({}, { __pairs = function() return callback("pairs", next, { key = "value" }, nil) end })
  for k, v in pairs(t) do return k, v end
end) --> expect: pairs: pairs -> true key value
test("iterator", function() local s = "" for v in function(_, v) v = (v or 0) + 1 return callback("next", v < 4 and v or nil) end do s = s .. v end return s end) --> expect: iterator: next next next next -> true 123

test("load", function()
  local pieces, i = { "return ", "1 ", "+ 2" }, 0
  return load(function() i = i + 1 return callback("piece" .. i, pieces[i]) end)()
end) --> expect: load: piece1 piece2 piece3 piece4 -> true 3
test("load of what is no text", function() return load(function() return callback("piece", {}) end) end) --> expect: load of what is no text: piece -> true nil callbacks.lua:209: reader function must return a string

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
end) --> expect: require: loading one -> true modulemodule
test("require without value", function()
  return restored(function() package.preload.one = function() return callback("loading") end return require "one" end)
end) --> expect: require without value: loading -> true true
test("require by searchers", function()
  return restored(function()
    package.searchers = {
      function(name) return callback("first", "\n\tnot " .. name) end,
      function(name) return callback("second", nil) end,
      function(name) return callback("third", function(name, extra) return callback("loading", name .. extra) end, "!") end,
    }
    return require "one"
  end)
end) --> expect: require by searchers: first second third loading -> true one!
test("require in vain", function()
  return restored(function()
    package.searchers = { function(name) return callback("first", "\n\tnot " .. name) end, function(name) return callback("second", 2) end }
    return require "one"
  end)
end) --> expect: require in vain: first second -> false callbacks.lua:245: module 'one' not found: --> expect: \tnot one2
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
end) --> expect: require by inherited fields: loaded two.three searchers preload two.three path cpath cpath loaded one searchers preload one loading loaded one set one -> true module 'two.three' not found:truetrue

local function date(t) return text { t.year, t.month, t.day, t.hour, t.min, t.sec, t.yday } end
test("os.time", function()
  local t = { year = 2024, month = 14, day = 1, hour = 0 }
  local time = os.time(proxy(t))
  return date(t), math.type(time)
end) --> expect: os.time: getsec getmin gethour getday getmonth getyear getisdst setsec setmin sethour setday setmonth setyear setwday setyday setisdst -> true 2025,2,1,0,0,0,32 integer
test("os.time in error", function() return os.time(proxy { year = 2024, month = "x" }) end) --> expect: os.time in error: getsec getmin gethour getday -> false callbacks.lua:271: field 'day' missing in date table
test("os.time without day", function() return os.time(proxy { year = 2024 }) end) --> expect: os.time without day: getsec getmin gethour getday -> false callbacks.lua:272: field 'day' missing in date table

test("pcall", function() return pcall(function(...) callback("in") error(callback("out", "e"), 0) end) end) --> expect: pcall: in out -> true false e
test("xpcall", function() return xpcall(function() callback("in") error(callback("out", "e"), 0) end, string.upper) end) --> expect: xpcall: in out -> true false E
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
end) --> expect: wrapped coroutine: 12 31 23 -> true 1,2,3
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
end) --> expect: all together: len get1 get3 < get2 get1 < get3 < set2 set3 len get1 get2 get3 a len get1 get3 < get2 get1 < get3 < len get1 get2 get3 b len get1 get3 < get2 get1 < get3 < len get1 get2 get3 c result -> true result a:3;2;1 b:3;2;1 c:3;2;1 3
-- Objects that are called in place of functions.
local function callable(name, result)
  return setmetatable({}, { __call = function(_, ...) return callback(name .. select("#", ...), result) end })
end
test("require by searchers that are objects", function()
  return restored(function()
    package.searchers = { callable("first", "\n\tno"), callable("second", function(name) return callback("loading", name) end) }
    return require "one"
  end)
end) --> expect: require by searchers that are objects: first1 second1 loading -> true one
test("print by an object", function()
  local old = tostring
  local ok, message = pcall(function() tostring = callable("tostring", "text") print("a", 2) end)
  tostring = old
  if not ok then error(message, 0) end
end, "prints") --> expect: text\ttext --> expect: print by an object: tostring1 tostring1 -> true --> expect: text\ttext
test("iterator that is an object", function() for v in callable("next", nil) do return v end return "end" end) --> expect: iterator that is an object: next2 -> true end
test("__pairs that is an object", function() return pairs(setmetatable({}, { __pairs = callable("pairs", "one") })) end) --> expect: __pairs that is an object: pairs1 -> true one nil nil
test("__len that is an object", function() return concat(setmetatable({ "v", "w" }, { __len = callable("len", 2) })) end) --> expect: __len that is an object: len2 -> true vw
test("__tostring that is an object", function() return tostring(setmetatable({}, { __tostring = callable("text", "t") })) end) --> expect: __tostring that is an object: text1 -> true t

-- What the libraries give to loops calls nothing itself, but what runs between its steps may be suspended.
test("generators", function()
  local list = {}
  local function note(...) list[#list + 1] = callback(concat({ ... }, ":"), (...)) end
  for a, b in ("k=v, l=w"):gmatch("(%w)=(%w)") do note(a, b) end
  for place, code in utf8.codes("a\u{263e}") do note(place, code) end
  for i, v in ipairs { "x", "y" } do note(i, v) end
  for k, v in pairs { key = "value" } do note(k, v) end
  for k, v in next, { 7 } do note(k, v) end
  for i in coroutine.wrap(function() for i = 1, 2 do coroutine.yield(i) end end) do note(i) end
  return concat(list, " ")
end) --> expect: generators: k:v l:w 1:97 2:9790 1:x 2:y key:value 1:7 1 2 -> true k l 1 2 1 2 key 1 1 2

-- After an error `load` does not call its reader again. In a coroutine, where it tries the whole chunk again as more comes, this holds for
-- the first 64 KiB that are read so; beyond, it may call on until there are twice as many.
local function load_in_error(...)
  local pieces, i = { ... }, 0
  local f, message = load(function() i = i + 1 return callback("piece" .. i, pieces[i]) end, "=chunk")
  return message
end
test("load in error", function() return load_in_error("return ", "= ", "1") end) --> expect: load in error: piece1 piece2 -> true chunk:1: unexpected symbol near '='
test("load of a broken dump", function() return load_in_error("\27Lua", "\83\0", "rest", "more") end) --> expect: load of a broken dump: piece1 piece2 piece3 piece4 -> true chunk: corrupted precompiled chunk
test("load of a dump", function() --> expect: load of a dump: half1 half2 half3 -> true dumped
  local dump, i = string.dump(function() return "dumped" end, true), 0
  return load(function() i = i + 1 return callback("half" .. i, i < 3 and dump:sub(i * 50 - 49, i == 1 and 50 or -1) or nil) end)()
end)
local function calls(length)
  local n, line = 0, "x = 1 --" .. ("-"):rep(91) .. "\n"
  load(function() n = n + 1 if n == length then return "x x " elseif n < 5 * length then return line end end)
  return n
end
for _, length in ipairs { 20, 30, 1000 } do
  print(calls(length), coroutine.wrap(calls)(length)) --> expect: 20\t20 --> expect: 30\t30 --> expect: 1000\t1537
end
trace = {}
print(load_in_error("return ", "= ", "1"), #trace) --> expect: chunk:1: unexpected symbol near '='\t2
print(yields > 10000, coroutine.isyieldable()) --> expect: true\tfalse
