-- What 5.3 keeps of 5.2 is not in every reference.
for _, name in ipairs {"atan2", "cosh", "sinh", "tanh", "pow", "frexp", "ldexp", "log10"} do math[name] = nil end
bit32 = nil
local function text(v)
  if math.type(v) == "float" then return ("%a %.17g"):format(v, v) end
  if type(v) == "table" then
    local keys = {}
    for k in pairs(v) do keys[#keys + 1] = k end
    table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
    for i, k in ipairs(keys) do keys[i] = tostring(k) .. "=" .. tostring(v[k]) end
    return "{" .. table.concat(keys, ",") .. "}"
  end
  if type(v) == "function" then return "" end
  return tostring(v)
end
local function show(...)
  local line = {}
  for i = 1, select("#", ...) do
    local v = (select(i, ...))
    local shown = text(v):gsub("%a+: 0x%x+", "address"):gsub("0x", "0_x")
    line[i] = type(v):sub(1, 3) .. " " .. shown:gsub("[^%w%p ]", function(c) return ("\\%d"):format(c:byte()) end)
  end
  print(table.concat(line, " | "))
end
local function all_matches(...)
  local found = {}
  for a, b, c in string.gmatch(...) do found[#found + 1] = tostring(a) .. "," .. tostring(b) .. "," .. tostring(c) end
  return table.concat(found, ";")
end
local function all_codes(s)
  local found = {}
  for p, c in utf8.codes(s) do found[#found + 1] = p .. ":" .. c end
  return table.concat(found, ";")
end
local function packed(...)
  local bytes = string.pack(...)
  return bytes, #bytes, pcall(string.unpack, (...), bytes)
end
local function sorted(list, compare)
  local calls, seed = {}, 7
  local function random(n) seed = (seed * 1103515245 + 12345) % 2147483648 return seed // 65536 % n end
  local order = compare and function(a, b)
    if #calls >= 3000 then error("endless", 0) end
    calls[#calls + 1] = tostring(a) .. "<" .. tostring(b)
    return compare(a, b, random)
  end
  local ok, message = pcall(table.sort, list, order)
  for i = 1, #list do list[i] = tostring(list[i]) end
  return ok, message, table.concat(list, ","), #calls, table.concat(calls, " ")
end
-- Of a large list the order of comparisons says nothing, and what an order that is none leaves in place. Nothing must be lost.
local function sorted_large(count, seed, spread, shape, compare, consistent)
  local function random(n) seed = (seed * 1103515245 + 12345) % 2147483648 return seed // 65536 % n end
  local list, left = {}, {}
  for i = 1, count do
    local v = shape == 1 and i or shape == 2 and count - i or shape == 3 and math.min(i, count - i) or random(spread)
    list[i], left[v] = v, (left[v] or 0) + 1
  end
  local calls = 0
  local order = compare and function(a, b)
    calls = calls + 1
    if calls > 60 * count then error("endless", 0) end
    return compare(a, b, random)
  end
  local ok, message = pcall(table.sort, list, order)
  for _, v in ipairs(list) do left[v] = left[v] - 1 end
  local lost = 0
  for _, n in pairs(left) do if n ~= 0 then lost = lost + 1 end end
  if consistent then return lost, ok, message, table.concat(list, ",") end
  return lost, message ~= "endless"
end
local function changed(f, list, ...)
  local results = table.pack(pcall(f, list, ...))
  for i = -2, 12 do results[results.n + i + 3] = tostring(rawget(list, i)) end
  return table.unpack(results, 1, results.n + 15)
end
local operators = {
  add = function(a, b) return a + b end, sub = function(a, b) return a - b end, mul = function(a, b) return a * b end,
  div = function(a, b) return a / b end, mod = function(a, b) return a % b end, idiv = function(a, b) return a // b end,
  pow = function(a, b) return a ^ b end, unm = function(a) return -a end, band = function(a, b) return a & b end,
  bor = function(a, b) return a | b end, bxor = function(a, b) return a ~ b end, shl = function(a, b) return a << b end,
  shr = function(a, b) return a >> b end, bnot = function(a) return ~a end, concat = function(a, b) return a .. b end,
  len = function(a) return #a end, eq = function(a, b) return a == b end, lt = function(a, b) return a < b end,
  le = function(a, b) return a <= b end,
}
local function count(a, b, c)
  local n, last = 0
  for i = a, b, c do n, last = n + 1, i if n == 100 then break end end
  return n, last
end
