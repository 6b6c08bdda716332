-- about: a document written as JSON text, read back, and compared
-- stresses: what a server does: many short strings, small tables, one long text
-- sizes: quick 3, default 20, long 150
local rounds = tonumber((...)) or 3

local escapes = {['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n"}
local plain = {n = "\n", ['"'] = '"', ["\\"] = "\\"}

local encode
local function encode_object(value, out)
  local keys = {}
  for key in pairs(value) do keys[#keys + 1] = key end
  table.sort(keys)
  out[#out + 1] = "{"
  for i, key in ipairs(keys) do
    out[#out + 1] = (i > 1 and ',"' or '"') .. key .. '":'
    encode(value[key], out)
  end
  out[#out + 1] = "}"
end

function encode(value, out)
  local kind = type(value)
  if kind == "string" then
    out[#out + 1] = '"' .. value:gsub('["\\\n]', escapes) .. '"'
  elseif kind ~= "table" then
    out[#out + 1] = tostring(value)
  elseif #value > 0 then
    for i = 1, #value do
      out[#out + 1] = i > 1 and "," or "["
      encode(value[i], out)
    end
    out[#out + 1] = "]"
  else
    encode_object(value, out)
  end
end

local decode
local function decode_string(text, at)
  local stop = at + 1
  while true do
    local byte = text:byte(stop)
    if byte == 34 then break end
    stop = stop + (byte == 92 and 2 or 1)
  end
  return text:sub(at + 1, stop - 1):gsub("\\(.)", plain), stop + 1
end

local function decode_object(text, at)
  local object = {}
  at = at + 1
  while text:byte(at) ~= 125 do
    local key, value
    key, at = decode_string(text, text:find('"', at, true))
    value, at = decode(text, at + 1)
    object[key] = value
    if text:byte(at) == 44 then at = at + 1 end
  end
  return object, at + 1
end

local function decode_array(text, at)
  local array, count = {}, 0
  while text:byte(at) ~= 93 do
    count = count + 1
    array[count], at = decode(text, at + 1)
  end
  return array, at + 1
end

function decode(text, at)
  local byte = text:byte(at)
  if byte == 123 then return decode_object(text, at) end
  if byte == 91 then return decode_array(text, at) end
  if byte == 34 then
    local value, after = decode_string(text, at)
    return value, after
  end
  local word, after = text:match("^([%w.+-]+)()", at)
  if word == "true" then return true, after end
  if word == "false" then return false, after end
  return tonumber(word), after
end

local function document(seed)
  local items = {}
  for i = 1, 800 do
    items[i] = {
      id = seed * 1000 + i, title = 'item "' .. i .. '"\nof ' .. seed, price = i * 0.25, stock = i % 3 == 0,
      sizes = {i, i + 1, i + 2}, origin = {country = "c" .. i % 30, batch = "b" .. i % 7},
    }
  end
  return {version = seed, items = items}
end

local bytes, equal = 0, 0
for round = 1, rounds do
  local out = {}
  encode(document(round), out)
  local text = table.concat(out)
  local again = {}
  encode(decode(text, 1), again)
  bytes = bytes + #text
  if table.concat(again) == text then equal = equal + 1 end
end
print("json", bytes, equal == rounds)
