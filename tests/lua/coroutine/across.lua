-- A yield crosses pcall, metamethods and iterators, as in the reference.
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
run("pcall", function() local ok, v = pcall(function() return yield(1) + yield(2) end) return v end) --> expect: pcall 1 2 =3
run("pcall error", function() local ok, v = pcall(function() yield(1) error("e", 0) end) return v .. yield(2) end) --> expect: pcall error 1 2 =e2
run("nested pcall", function() return select(3, pcall(pcall, function() yield("in") error("x", 0) end)) end) --> expect: nested pcall in =x
run("xpcall", function() return select(2, xpcall(function() yield(1) error("e", 0) end, function(m) return m .. "h" end)) end) --> expect: xpcall 1 =eh
local mt = {
  __add = function(a, b) return yield("add") end, __unm = function() return yield("unm") end,
  __index = function(t, k) return yield("index " .. k) end, __newindex = function(t, k, v) yield("newindex " .. k) end,
  __call = function(self, x) return yield("call " .. x) end, __concat = function() return yield("concat") end,
  __len = function() return yield("len") end, __eq = function() return yield("eq") == "eq" end,
  __lt = function() return yield("lt") == "lt" end, __le = function() return yield("le") == "nothing" end,
  __idiv = function() return yield("idiv") end, __band = function() return yield("band") end,
}
local a, b = setmetatable({}, mt), setmetatable({}, mt)
run("add", function() return a + b end) --> expect: add add =add
run("add constant", function() return 1 + a .. "s" end) --> expect: add constant add =adds
run("unm", function() return -a end) --> expect: unm unm =unm
run("index", function() return a.field .. a[1] end) --> expect: index index field index 1 =index fieldindex 1
run("newindex", function() a.x = 1 return rawget(a, "x") end) --> expect: newindex newindex x =nil
run("call", function() return a(5) end) --> expect: call call 5 =call 5
run("concat", function() return "x" .. a .. "y" end) --> expect: concat concat =xconcat
run("len", function() return #a end) --> expect: len len =len
run("eq", function() return a == b end) --> expect: eq eq =true
run("ne", function() if a ~= b then return "differs" end return "same" end) --> expect: ne eq =same
run("lt", function() return a < b end) --> expect: lt lt =true
run("le", function() return a <= b end) --> expect: le le =false
run("gt", function() if a > b then return "then" else return "else" end end) --> expect: gt lt =then
run("idiv", function() return a // 1 end) --> expect: idiv idiv =idiv
run("band", function() return 1 & a end) --> expect: band band =band
run("for", function() local s = "" for i in function(_, i) return yield("it") and (not i and 1 or i < 3 and i + 1 or nil) end do s = s .. i end return s end) --> expect: for it it it it =123
run("tail", function() return yield(yield("a")) end) --> expect: tail a a =a
run("vararg", function(...) return select("#", ..., yield(1), yield(2)) end, 1, 2) --> expect: vararg 1 2 =3
run("dofile-like load", function() return load("return coroutine.yield('loaded')")() end) --> expect: dofile-like load loaded =loaded
run("table.unpack", function() return table.concat({ yield(1), yield(2), table.unpack { yield(3) } }, ",") end) --> expect: table.unpack 1 2 3 =1,2,3
run("error after yield", function() yield(1) error("finally", 0) end) --> expect: error after yield 1 !finally
run("deep", function() --> expect: deep bottom =bottom
  local function down(n) if n == 0 then return yield("bottom") end return (down(n - 1)) end
  return down(100)
end)
