-- Mixed: a JSON round trip: a document is written as text, read by a hand-written parser, and written again.
local concat, format, find, sub, byte = table.concat, string.format, string.find, string.sub, string.byte
local escapes = {['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\t"] = "\\t"}
local back = {['"'] = '"', ["\\"] = "\\", n = "\n", t = "\t"}
local write
local function write_string(s) return '"' .. s:gsub('[%c"\\]', escapes) .. '"' end
function write(v, out)
  local kind = type(v)
  if kind == "string" then out[#out + 1] = write_string(v)
  elseif kind == "number" then out[#out + 1] = format("%.14g", v)
  elseif kind ~= "table" then out[#out + 1] = tostring(v)
  elseif v[1] ~= nil then
    out[#out + 1] = "["
    for i, item in ipairs(v) do if i > 1 then out[#out + 1] = "," end write(item, out) end
    out[#out + 1] = "]"
  else
    local names = {}
    for name in pairs(v) do names[#names + 1] = name end
    table.sort(names)
    out[#out + 1] = "{"
    for i, name in ipairs(names) do
      if i > 1 then out[#out + 1] = "," end
      out[#out + 1] = write_string(name) .. ":"
      write(v[name], out)
    end
    out[#out + 1] = "}"
  end
end
local read
local function skip(s, at) return find(s, "[^ \n\t]", at) end
local function read_string(s, at)
  local parts = {}
  while true do
    local stop = find(s, '["\\]', at)
    parts[#parts + 1] = sub(s, at, stop - 1)
    if byte(s, stop) == 34 then return concat(parts), stop + 1 end
    parts[#parts + 1] = back[sub(s, stop + 1, stop + 1)]
    at = stop + 2
  end
end
function read(s, at)
  at = skip(s, at)
  local c = sub(s, at, at)
  if c == '"' then return read_string(s, at + 1) end
  if c == "{" or c == "[" then
    local t, n, close = {}, 0, c == "{" and "}" or "]"
    at = skip(s, at + 1)
    while sub(s, at, at) ~= close do
      local name, value
      if c == "{" then name, at = read_string(s, at + 1) at = skip(s, at) + 1 else n = n + 1 name = n end
      value, at = read(s, at)
      t[name] = value
      at = skip(s, at)
      if sub(s, at, at) == "," then at = skip(s, at + 1) end
    end
    return t, at + 1
  end
  local _, stop, word = find(s, "^(%a+)", at)
  if word then return word == "true", stop + 1 end
  _, stop, word = find(s, "^(-?[%d.e+-]+)", at)
  return tonumber(word), stop + 1
end
local document = {}
for i = 1, 150 do
  document[i] = {id = i, name = "item " .. i, price = i * 1.25, tags = {"a\n", '"b"', "c\\"}, stock = {here = i % 3 == 0, there = i}}
end
local sum = 0
for _ = 1, 160 do
  local out = {}
  write(document, out)
  local text = concat(out)
  document = read(text, 1)
  sum = (sum * 3 + #text) % 1000003
end
print("json", sum, #document, document[7].price)
