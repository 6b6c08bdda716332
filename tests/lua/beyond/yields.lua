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
run("sort", function()
  local t = { 3, 1, 2 }
  table.sort(t, function(a, b) yield(a .. "<" .. b) return a < b end)
  return table.concat(t, ",")
end)
run("gsub", function() return (("ab"):gsub(".", function(c) return yield(c) .. "!" end)) end)
run("load", function()
  local pieces = { "return ", "1 ", "+ 2" }
  local i = 0
  return load(function() i = i + 1 yield(i) return pieces[i] end)()
end)
run("require", function()
  package.preload.yielding = function() return yield("loading") end
  return require("yielding")
end)
run("pairs", function()
  for k in pairs(setmetatable({}, { __pairs = function() yield("pairs") return next, { key = 1 } end })) do return k end
end)
run("gmatch", function() local s = "" for c in ("abc"):gmatch(".") do s = s .. yield(c) end return s end)
run("dofile", function()
  local name = os.tmpname()
  local file = io.open(name, "w")
  file:write("return coroutine.yield('in file')")
  file:close()
  local value = dofile(name)
  os.remove(name)
  return value
end)
run("select of error", function() return select(2, pcall(table.sort, { 2, 1 }, function() yield("cmp") error("bad", 0) end)) end)
