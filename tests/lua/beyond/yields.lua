-- Yields cross what they cannot cross in the reference.
local yield = coroutine.yield
local function run(name, f, ...)
  local co = coroutine.create(f)
  local results = { name }
  local ok, value = coroutine.resume(co, ...)
  while coroutine.status(co) ~= "dead" do
    results[#results + 1] = tostring(value)
    ok, value = coroutine.resume(co, value)
  end
  results[#results + 1] = (ok and "=" or "!") .. tostring(value)
  print(table.concat(results, " "))
end
run("sort", function() --> expect: sort 2<3 1<2 =1,2,3
  local t = { 3, 1, 2 }
  table.sort(t, function(a, b) yield(a .. "<" .. b) return a < b end)
  return table.concat(t, ",")
end)
run("gsub", function() return (("ab"):gsub(".", function(c) return yield(c) .. "!" end)) end) --> expect: gsub a b =a!b!
run("load", function() --> expect: load 1 2 3 4 =3
  local pieces = { "return ", "1 ", "+ 2" }
  local i = 0
  return load(function() i = i + 1 yield(i) return pieces[i] end)()
end)
run("require", function() --> expect: require loading =loading
  package.preload.yielding = function() return yield("loading") end
  return require("yielding")
end)
run("pairs", function() --> expect: pairs pairs =key
  for k in pairs(setmetatable({}, { __pairs = function() yield("pairs") return next, { key = 1 } end })) do return k end
end)
run("gmatch", function() local s = "" for c in ("abc"):gmatch(".") do s = s .. yield(c) end return s end) --> expect: gmatch a b c =abc
-- Calls f with the name of a file that holds this text; the file is gone before the results are seen.
local function with_file(text, f)
  local name = os.tmpname()
  local file = io.open(name, "w")
  file:write(text)
  file:close()
  local results = table.pack(pcall(f, name))
  os.remove(name)
  return table.unpack(results, 1, results.n)
end
run("dofile", function() --> expect: dofile in file later =true in file later 0
  local source = "local a = coroutine.yield('in file') return a, coroutine.yield('later'), select('#', ...)"
  local ok, first, second, n = with_file(source, dofile)
  return table.concat({ tostring(ok), first, second, n }, " ")
end)
run("dofile that fails", function() --> expect: dofile that fails in file =false failed
  local ok, message = with_file("coroutine.yield('in file') error('failed', 0)", dofile)
  return tostring(ok) .. " " .. message
end)
run("loops over a file", function() --> expect: loops over a file one two on:e tw:o one$ two$ =true
  return (with_file("one\ntwo\n", function(name)
    for line in io.lines(name) do yield(line) end
    for a, b in io.lines(name, 2, "l") do yield(a .. ":" .. b) end
    local opened = io.open(name)
    for line in opened:lines("L") do yield((line:gsub("\n", "$"))) end
    opened:close()
  end))
end)
run("select of error", function() return select(2, pcall(table.sort, { 2, 1 }, function() yield("cmp") error("bad", 0) end)) end) --> expect: select of error cmp =bad
run("tostring", function() return tostring(setmetatable({}, { __tostring = function() return yield("name") end })) end) --> expect: tostring name =name --> expect: shown
run("print", function() print(setmetatable({}, { __tostring = function() return yield("shown") end })) end) --> expect: print shown =nil
run("format", function() return string.format("%s", setmetatable({}, { __tostring = function() return yield("shown") end })) end) --> expect: format shown =shown
run("ipairs", function() --> expect: ipairs 1 2 3 =2
  local n = 0
  for i in ipairs(setmetatable({}, { __index = function(_, i) return yield(i) < 3 or nil end })) do n = i end
  return n
end)
run("concat", function() --> expect: concat 1 2 =1,2
  return table.concat(setmetatable({}, { __len = function() return 2 end, __index = function(_, i) return yield(i) end }), ",")
end)
run("insert", function() --> expect: insert set =x
  local t = setmetatable({}, { __newindex = function(t, k, v) yield("set") rawset(t, k, v) end })
  table.insert(t, "x")
  return t[1]
end)
run("unpack", function() return select("#", table.unpack(setmetatable({}, { __len = function() return yield(2) end, __index = function(_, i) return yield(i) end }))) end) --> expect: unpack 2 1 2 =2
run("sort elements", function() local t = setmetatable({}, { __len = function() return yield(2) end, __index = function(_, i) return yield(i) end, __newindex = function() yield("set") end }) table.sort(t) end) --> expect: sort elements 2 1 2 =nil
run("gsub table", function() return (("ab"):gsub(".", setmetatable({}, { __index = function(_, k) return yield(k) end }))) end) --> expect: gsub table a b =ab
run("lt by sort default", function() local mt = { __lt = function(a, b) yield("lt") return a.v < b.v end } local t = { setmetatable({ v = 2 }, mt), setmetatable({ v = 1 }, mt) } table.sort(t) return t[1].v end) --> expect: lt by sort default lt =1
